/* Names that are put together by macros, whose arguments are expanded first. */
#ifndef NORMA_PASTE_H
#define NORMA_PASTE_H

#define PASTE_TWO(a, b) a##b
#define PASTE(a, b) PASTE_TWO(a, b)

#endif
