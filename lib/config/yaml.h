/*
 * YAML as a tree with line numbers, for files that people write: settings, feature programs, reason
 * texts. libyaml parses; anchors, aliases, tags, more than one document and repeated keys are
 * errors, because each has surprised somebody. Scalars stay text.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stddef.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;           /* from 1; of a member: where its key stands */
	struct str key;          /* in a mapping; else empty */
	struct str text;         /* of a scalar; also terminated */
	int quoted;              /* in quotes or a block (|, >): never null, bool or number */
	struct yaml_node *first; /* of a sequence or mapping */
	struct yaml_node *next;  /* sibling */
	size_t count;
};

/*
 * file is for messages only: "features.yaml:12: ...". Depth <= 16, nodes <= 100,000. A text without
 * any node is an empty mapping. -EBADMSG for a fault of the text, -E2BIG, -ENOMEM.
 */
int yaml_parse(struct str text, const char *file, struct arena *a, struct yaml_node **ret,
               struct errbuf *err);
/* The member of a mapping, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

#endif
