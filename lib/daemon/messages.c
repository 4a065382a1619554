/*
 * What the message list says, as tables: the name in logs and the exact size of each type. The list
 * itself stands in messages.h; nothing here has to change when a message is added.
 */
#include "daemon/messages.h"

#include <string.h>

#include "base/str.h"

static const struct {
	const char *name;
	size_t size;
} messages[MESSAGE_MAX] = {
#define X(type, payload, receivers) [type] = { #type, sizeof(payload) },
	MESSAGES(X)
#undef X
};

#define X(type, payload, receivers)                                                                \
	_Static_assert(sizeof(payload) <= MESSAGE_MAX_PAYLOAD, "a payload larger than the "        \
	                                                       "buffer");
MESSAGES(X)
#undef X

const char *message_name(enum message_type type)
{
	return (unsigned)type < MESSAGE_MAX ? messages[type].name : "unknown";
}

size_t message_size(enum message_type type)
{
	return (unsigned)type < MESSAGE_MAX ? messages[type].size : 0;
}

bool message_text(const char *text, size_t room)
{
	size_t n = strnlen(text, room);

	return n < room && str_is_utf8((struct str){ text, n });
}
