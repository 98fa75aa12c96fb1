/** For the façade alone: what would not be safe in other hands. */
package dev.norma.bindings.memory;
