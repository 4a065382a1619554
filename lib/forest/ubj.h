/* UBJSON as XGBoost writes it, read into the same document as JSON. */
#ifndef FOREST_UBJ_H
#define FOREST_UBJ_H

#include "base/str.h"
#include "forest/document.h"

/* The whole text is one object. 0 or -errno, words by document_refuse(). No recursion. */
int ubj_read(struct str text, struct document *d);

#endif
