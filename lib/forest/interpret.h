/* The second half of an import: from what a document said to a model. */
#ifndef FOREST_INTERPRET_H
#define FOREST_INTERPRET_H

#include "forest/build.h"
#include "forest/document.h"

/* Fills in the model; its memory is the document's arena. 0 or -errno, words by
 * document_refuse(). */
int document_interpret(struct document *d, enum forest_trees which, struct forest_model *m);

#endif
