/* SHA-256 of bytes, files and whole versions: how a bundle knows that it is what was written. */
#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "bundle/bundle.h"
#include "bundle/member.h"
#include "json/writer.h"

#define CHUNK 65536

static void context_free_p(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* Fails for want of memory only: SHA-256 is always there. */
static EVP_MD_CTX *context_new(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1)
		return c;
	EVP_MD_CTX_free(c);
	return NULL;
}

int bundle_sha256(struct str bytes, uint8_t ret[BUNDLE_SHA256_SIZE])
{
	return EVP_Digest(bytes.p, bytes.n, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

int bundle_digest_stream(int fd, char *keep, uint64_t size, uint8_t ret[BUNDLE_SHA256_SIZE])
{
	CLEANUP(context_free_p) EVP_MD_CTX *c = context_new();
	char buffer[CHUNK];
	uint64_t done = 0;

	while (c) {
		char *to = keep ? keep + done : buffer;
		size_t room = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
		/* one byte more than expected shows a file that grew */
		ssize_t n = room ? read(fd, to, room) : read(fd, buffer, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (uint64_t)n;
		if (done > size || EVP_DigestUpdate(c, to, (size_t)n) != 1)
			return -EBADMSG;
	}
	if (!c || EVP_DigestFinal_ex(c, ret, NULL) != 1)
		return -ENOMEM;
	return done == size ? 0 : -EBADMSG;
}

int bundle_sha256_fd(int fd, uint8_t ret[BUNDLE_SHA256_SIZE])
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return bundle_digest_stream(fd, NULL, (uint64_t)size, ret);
}

int bundle_digest(const struct bundle *b, uint8_t ret[BUNDLE_SHA256_SIZE])
{
	char hex[2 * BUNDLE_SHA256_SIZE + 1];
	struct strbuf list = { 0 };
	int r;

	for (size_t i = 0; i < b->member_count; i++) {
		hex_encode(b->members[i].sha256, BUNDLE_SHA256_SIZE, hex);
		strbuf_addf(&list, "%s  %.*s\n", hex, STR_ARGS(b->members[i].path));
	}
	r = strbuf_error(&list);
	if (r == 0)
		r = bundle_sha256(strbuf_str(&list), ret);
	strbuf_done(&list);
	return r;
}

int bundle_write_digests(struct json_writer *w, const struct bundle_file *files, size_t count)
{
	uint8_t digest[BUNDLE_SHA256_SIZE];
	char hex[2 * BUNDLE_SHA256_SIZE + 1];

	json_begin_object(w);
	for (size_t i = 0; i < count; i++) {
		int r = files[i].fd >= 0 ? bundle_sha256_fd(files[i].fd, digest)
		                         : bundle_sha256(files[i].content, digest);

		if (r < 0)
			return r;
		hex_encode(digest, sizeof(digest), hex);
		json_write_name_str(w, str_of(files[i].path));
		json_write_text(w, str_of(hex));
	}
	json_end_object(w);
	return 0;
}
