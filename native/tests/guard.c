#include "guard.h"

#include "data.h"

#include <sys/mman.h>
#include <unistd.h>

guarded guarded_make(int64_t at_least) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t size = (at_least + page - 1) / page * page;
  char *pages = mmap(NULL, (size_t)(size + 2 * page), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(pages != MAP_FAILED);
  assert_int_equal(mprotect(pages + page, (size_t)size, PROT_READ | PROT_WRITE), 0);
  return (guarded){pages + page, size, page};
}

void guarded_free(guarded memory) {
  munmap(memory.first - memory.page, (size_t)(memory.size + 2 * memory.page));
}
