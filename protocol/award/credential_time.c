/* credential_time.c -- times in credentials: UTC to the second. See credential.h. */
#include "protocol/award/credential.h"
#include "protocol/award/credential_int.h"

#include <stdio.h>

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. */
static uint64_t days_of(uint64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	uint64_t era = year / 400, yoe = year % 400;
	uint64_t doy = (153 * (month + (month > 2 ? 0u : 12u) - 3) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct date {
	uint64_t year;
	unsigned month, day;
};

static struct date date_of(uint64_t days)
{
	days += 719468;
	uint64_t era = days / 146097, doe = days % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct date d = {.year = yoe + era * 400, .day = (unsigned)(doy - (153 * mp + 2) / 5 + 1)};
	d.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	d.year += d.month <= 2;
	return d;
}

static unsigned days_in(uint64_t year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

static void format_time(struct date d, uint64_t second_of_day, char out[CREDENTIAL_TIME_BYTES])
{
	char text[64];
	unsigned s = (unsigned)second_of_day;
	snprintf(text, sizeof text, "%04llu-%02u-%02uT%02u:%02u:%02uZ", (unsigned long long)d.year % 10000,
		d.month, d.day, s / 3600, s / 60 % 60, s % 60);
	memcpy(out, text, CREDENTIAL_TIME_BYTES);
}

void credential_time_format(uint64_t seconds, char out[CREDENTIAL_TIME_BYTES])
{
	const uint64_t last = UINT64_C(253402300799); /* 9999-12-31T23:59:59Z */
	seconds = seconds > last ? last : seconds;
	format_time(date_of(seconds / 86400), seconds % 86400, out);
}

static unsigned digits(const char *p, size_t n)
{
	unsigned v = 0;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)(p[i] - '0');
	return v;
}

enum err credential_time_parse(const char *text, uint64_t *seconds)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	if (strlen(text) != sizeof form - 1)
		return ERR_FORMAT;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return ERR_FORMAT;
	unsigned year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
	unsigned hour = digits(text + 11, 2), minute = digits(text + 14, 2), second = digits(text + 17, 2);
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 ||
		minute > 59 || second > 59)
		return ERR_FORMAT;
	*seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return OK;
}

/* "Z", or "+hh:mm" and "-hh:mm"; the seconds to be taken away. */
static bool zone_of(const char *p, int64_t *offset)
{
	*offset = 0;
	if (strcmp(p, "Z") == 0)
		return true;
	if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':' || strspn(p + 1, "0123456789") != 2 ||
		strspn(p + 4, "0123456789") != 2)
		return false;
	unsigned hours = digits(p + 1, 2), minutes = digits(p + 4, 2);
	*offset = (int64_t)(hours * 3600 + minutes * 60) * (*p == '-' ? -1 : 1);
	return hours < 24 && minutes < 60;
}

enum err credential_time_read(const char *text, uint64_t *seconds)
{
	char whole[CREDENTIAL_TIME_BYTES];
	uint64_t at;
	int64_t offset;
	size_t n = strlen(text), rest = CREDENTIAL_TIME_BYTES - 2;
	if (n <= rest)
		return ERR_FORMAT;
	memcpy(whole, text, rest);
	whole[rest] = 'Z';
	whole[rest + 1] = 0;
	if (text[rest] == '.') {
		size_t fraction = strspn(text + rest + 1, "0123456789");
		rest += fraction ? fraction + 1 : 0;
	}
	if (credential_time_parse(whole, &at) != OK || !zone_of(text + rest, &offset))
		return ERR_FORMAT;
	*seconds = offset > 0 && (uint64_t)offset > at ? 0 : at - (uint64_t)offset;
	return OK;
}

/* SPEC 17.5: "a day that the month lacks becomes its last one" */
void credential_add_months(uint64_t seconds, unsigned months, char out[CREDENTIAL_TIME_BYTES])
{
	struct date d = date_of(seconds / 86400);
	uint64_t n = d.year * 12 + d.month - 1 + months;
	d.year = n / 12;
	d.month = (unsigned)(n % 12) + 1;
	unsigned most = days_in(d.year, d.month);
	d.day = d.day < most ? d.day : most;
	format_time(d, seconds % 86400, out);
}
