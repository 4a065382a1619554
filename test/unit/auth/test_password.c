/* Hashes of others (bcrypt's published vectors, Python's bcrypt, yescrypt of libxcrypt), hashes
 * that must not be run, and passwords that cannot be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/password.h"

#define COST 2
#define Y2 "$y$j85$"

static void stored_hashes(void **unused)
{
	static const struct {
		const char *password, *hash;
		enum password_verdict verdict;
	} cases[] = {
		/* crypt_blowfish */
		{ "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		  PASSWORD_RIGHT_REHASH },
		{ "U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
		  PASSWORD_RIGHT_REHASH },
		{ "U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a",
		  PASSWORD_RIGHT_REHASH },
		{ "\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
		  PASSWORD_RIGHT_REHASH },
		{ "U*U ", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		  PASSWORD_WRONG },
		{ "u*u", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		  PASSWORD_WRONG },
		/* cut, longer, another letter, costs that are no number, too cheap or too dear */
		{ "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
		  PASSWORD_WRONG },
		{ "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx",
		  PASSWORD_WRONG },
		{ "U*U", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		  PASSWORD_WRONG },
		{ "U*U", "$2a$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		  PASSWORD_WRONG },
		{ "U*U", "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		  PASSWORD_WRONG },
		{ "U*U", "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		  PASSWORD_WRONG },
		{ "U*U", "$2a$", PASSWORD_WRONG },
		{ "U*U", "$2", PASSWORD_WRONG },
		{ "U*U", "$", PASSWORD_WRONG },
		{ "U*U", "", PASSWORD_WRONG },
		{ "U*U", "U*U", PASSWORD_WRONG },
		{ "U*U", "*0", PASSWORD_WRONG },
		{ "U*U", "!", PASSWORD_WRONG },
		/* other schemes that libxcrypt would run */
		{ "password", "$1$abcdefgh$G//4keteveJp0qb8z2DxG/", PASSWORD_WRONG },
		{ "x", "$6$rounds=999999999$salt$", PASSWORD_WRONG },
		{ "x", "ab1HgvQTYCKaE", PASSWORD_WRONG },
		/* yescrypt with options of nobody here, or of more than 32 MiB */
		{ "x", "$y$jBT$ecre/fFkF5eBvZWkmZrRi1$", PASSWORD_WRONG },
		{ "x", "$y$jzzzzzz$ecre/fFkF5eBvZWkmZrRi1$", PASSWORD_WRONG },
		{ "x", "$y$j", PASSWORD_WRONG },
		{ "x", "$y$", PASSWORD_WRONG },
		{ "x", "$7$CU..../....ecre/fFkF5eBvZWkmZrRi1$", PASSWORD_WRONG },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum password_verdict v =
		        password_verify(str_of(cases[i].password), cases[i].hash, COST);

		if (v != cases[i].verdict)
			fail_msg("case %zu: verdict %d", i, v);
	}
	assert_int_equal(password_verify(STR("x"), NULL, COST), PASSWORD_WRONG);
}

static void new_hashes(void **unused)
{
	static const char *const prefixes[] = { NULL,      "$y$j75$", "$y$j85$", "$y$j7T$",
		                                "$y$j8T$", "$y$j9T$", "$y$jAT$" };
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];

	(void)unused;
	for (uint32_t cost = 1; cost <= PASSWORD_MAX_COST; cost++) {
		assert_int_equal(password_hash(STR("correct horse"), cost, hash), 0);
		if (strncmp(hash, prefixes[cost], strlen(prefixes[cost])) != 0)
			fail_msg("cost %u: %s", cost, hash);
		assert_int_equal(password_verify(STR("correct horse"), hash, cost), PASSWORD_RIGHT);
		assert_int_equal(password_verify(STR("correct hors"), hash, cost), PASSWORD_WRONG);
		if (cost < PASSWORD_MAX_COST)
			assert_int_equal(password_verify(STR("correct horse"), hash, cost + 1),
			                 PASSWORD_RIGHT_REHASH);
		if (cost > 1)
			assert_int_equal(password_verify(STR("correct horse"), hash, cost - 1),
			                 PASSWORD_RIGHT);
	}
	assert_int_equal(password_hash(STR("correct horse"), COST, hash), 0);
	assert_int_equal(password_hash(STR("correct horse"), COST, again), 0);
	assert_string_not_equal(hash, again);
	assert_int_equal(strncmp(hash, Y2, strlen(Y2)), 0);
}

static void impossible_passwords(void **unused)
{
	static const char long_one[] = "0123456789012345678901234567890123456789"
	                               "01234567890123456789012345678901x";
	const struct str bad[] = { STR(""), STR("a\0b"), STR("\0"), STR(long_one) };
	const struct str longest = { long_one, PASSWORD_MAX_BYTES };
	char hash[PASSWORD_HASH_SIZE];

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (password_hash(bad[i], COST, hash) != -EINVAL)
			fail_msg("case %zu", i);
	}
	assert_int_equal(password_hash(longest, 0, hash), -EINVAL);
	assert_int_equal(password_hash(longest, PASSWORD_MAX_COST + 1, hash), -EINVAL);
	assert_int_equal(password_hash(longest, COST, hash), 0);
	assert_int_equal(password_verify(longest, hash, COST), PASSWORD_RIGHT);
	/* What libxcrypt or bcrypt would cut off is not the same password. */
	assert_int_equal(password_verify(STR(long_one), hash, COST), PASSWORD_WRONG);
	assert_int_equal(password_hash(STR("a"), COST, hash), 0);
	assert_int_equal(password_verify(STR("a\0b"), hash, COST), PASSWORD_WRONG);
	assert_int_equal(password_verify(STR(""), hash, COST), PASSWORD_WRONG);
}

static void the_slowest_is_measured(void **unused)
{
	(void)unused;
	/* bcrypt of cost 12 is 4,096 rounds of two key schedules: no machine does it in 10 ms. */
	assert_true(password_measure_slowest(COST) > 10 * UINT64_C(1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_hashes),
		cmocka_unit_test(new_hashes),
		cmocka_unit_test(impossible_passwords),
		cmocka_unit_test(the_slowest_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
