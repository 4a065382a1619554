/*
 * Names exist in the demo so that the comparison of user_name and sender_name meets what it meets
 * in life: diacritics, Hangul, capitals, stray blanks, full-width letters. None is a real
 * customer's.
 *
 * Called by demo_population.c and demo_generate.c.
 */
#include "demo_names.h"

#include <stdio.h>
#include <string.h>

const struct demo_nation demo_nations[] = {
	{ "VN",
	  190,
	  { "Văn An", "Thị Hoa", "Minh Tuấn", "Thu Hà", "Quốc Bảo", "Ngọc Lan" },
	  { "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ" } },
	{ "CN",
	  150,
	  { "Wei", "Fang", "Lei", "Na", "Jun", "Yan" },
	  { "Wang", "Li", "Zhang", "Liu", "Chen", "Zhao" } },
	{ "NP",
	  110,
	  { "Ram", "Sita", "Bikash", "Anita", "Suresh", "Gita" },
	  { "Shrestha", "Tamang", "Gurung", "Thapa", "Rai", "Magar" } },
	{ "PH",
	  95,
	  { "Jose", "Maria", "Juan", "Ana", "Mark", "Grace" },
	  { "Santos", "Reyes", "Cruz", "Bautista", "Garcia", "Mendoza" } },
	{ "TH",
	  70,
	  { "Somchai", "Malee", "Anan", "Siriporn", "Nattapong", "Kanya" },
	  { "Saetang", "Chaiyasit", "Boonmee", "Wongsa", "Srisuk", "Thongdee" } },
	{ "ID",
	  65,
	  { "Budi", "Siti", "Agus", "Dewi", "Eko", "Rina" },
	  { "Santoso", "Wijaya", "Saputra", "Lestari", "Hidayat", "Pratama" } },
	{ "KH",
	  60,
	  { "Sokha", "Dara", "Bopha", "Vuthy", "Chanthou", "Srey" },
	  { "Chea", "Sok", "Keo", "Chan", "Meas", "Ngin" } },
	{ "UZ",
	  55,
	  { "Aziz", "Dilnoza", "Bekzod", "Malika", "Jasur", "Nodira" },
	  { "Karimov", "Rakhimova", "Yusupov", "Tosheva", "Aliev", "Umarova" } },
	{ "MM",
	  40,
	  { "Aung", "Thiri", "Kyaw", "Su Su", "Zaw", "Hnin" },
	  { "Win", "Htun", "Myint", "Lwin", "Naing", "Oo" } },
	{ "LK",
	  35,
	  { "Nuwan", "Dilani", "Kasun", "Sanduni", "Chaminda", "Ishara" },
	  { "Perera", "Silva", "Fernando", "Bandara", "Jayasuriya", "Dissanayake" } },
	{ "BD",
	  35,
	  { "Rahim", "Fatema", "Karim", "Nasrin", "Sohel", "Rumana" },
	  { "Hossain", "Akter", "Islam", "Begum", "Uddin", "Khatun" } },
	{ "MN",
	  30,
	  { "Bat", "Oyun", "Bold", "Saran", "Ganbold", "Tsetseg" },
	  { "Batbayar", "Dorj", "Enkhbat", "Ganzorig", "Munkh", "Purev" } },
	{ "US",
	  20,
	  { "James", "Emily", "Robert", "Sarah", "Zoë", "Daniel" },
	  { "Smith", "O'Brien", "Johnson", "García", "Brown", "Miller" } },
	{ "KR",
	  45,
	  { "민수", "지영", "서준", "하은", "도윤", "수빈" },
	  { "김", "이", "박", "최", "정", "강" } },
};

const unsigned demo_nation_count = sizeof(demo_nations) / sizeof(demo_nations[0]);

unsigned demo_nation_draw(struct random *r)
{
	unsigned left = (unsigned)random_below(r, 1000), i;

	for (i = 0; i + 1 < demo_nation_count && left >= demo_nations[i].weight; i++)
		left -= demo_nations[i].weight;
	return i;
}

void demo_name_print(unsigned nation, uint32_t number, char ret[DEMO_NAME_SIZE])
{
	const struct demo_nation *n = &demo_nations[nation];

	snprintf(ret, DEMO_NAME_SIZE, "%s %s", n->family[number / 6 % 6], n->given[number % 6]);
}

static char to_upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* U+FF01 .. U+FF5E stand for '!' .. '~'. Only the first letters: names have a limit. */
static void print_full_width(const char *name, char ret[DEMO_NAME_SIZE])
{
	size_t used = 0, i;

	for (i = 0; name[i] && used + 4 < DEMO_NAME_SIZE; i++) {
		unsigned char c = (unsigned char)name[i];

		if (i < 4 && c > ' ' && c < 0x7f) {
			unsigned code = 0xff01u + (c - '!');

			ret[used++] = '\xef';
			ret[used++] = (char)(unsigned char)(0x80 | (code >> 6 & 0x3f));
			ret[used++] = (char)(unsigned char)(0x80 | (code & 0x3f));
		} else {
			ret[used++] = (char)c;
		}
	}
	ret[used] = '\0';
}

void demo_name_vary(struct random *r, const char *name, char ret[DEMO_NAME_SIZE])
{
	uint64_t way = random_below(r, 10);
	size_t i;

	if (way == 0) {
		print_full_width(name, ret);
		return;
	}
	snprintf(ret, DEMO_NAME_SIZE, way == 1 ? " %s " : "%s", name);
	if (way >= 2 && way <= 4)
		for (i = 0; ret[i]; i++)
			ret[i] = to_upper(ret[i]);
}
