/*
 * Points in time as text, and calendar arithmetic for due dates. Everything
 * is UTC; months are clamped to their last day, as people expect of
 * "every month" on the 31st.
 */
#include "when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"

int64_t
when_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
when_json(struct buf *b, const char *key, int64_t ms, int digits)
{
	time_t sec = ms / 1000;
	char day[40], fraction[16];
	struct tm tm;

	if (ms == 0) {
		json_raw(b, key, "null");
		return;
	}
	gmtime_r(&sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(fraction, sizeof(fraction), "%03d000000", (int)(ms % 1000));
	json_fmt(b, key, "%s.%.*sZ", day, digits, fraction);
}

void
when_http(char out[40], int64_t ms)
{
	time_t sec = ms / 1000;
	struct tm tm;

	gmtime_r(&sec, &tm);
	strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* Read exactly n digits; -1 if they are not there. */
static int
digits(const char *s, int n)
{
	int v = 0;

	while (n-- > 0) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s++ - '0');
	}
	return v;
}

static bool
read_date(const char *s, struct tm *tm)
{
	memset(tm, 0, sizeof(*tm));
	if (strnlen(s, 10) < 10 || s[4] != '-' || s[7] != '-')
		return false;
	tm->tm_year = digits(s, 4) - 1900;
	tm->tm_mon = digits(s + 5, 2) - 1;
	tm->tm_mday = digits(s + 8, 2);
	return tm->tm_year >= -900 && tm->tm_mon >= 0 && tm->tm_mon < 12 &&
	       tm->tm_mday >= 1 && tm->tm_mday <= 31;
}

bool
when_is_date(const char *s)
{
	struct tm tm;

	return read_date(s, &tm) && (s[10] == '\0' || s[10] == 'T') &&
	       strlen(s) < 40;
}

/* The rest after the seconds: fraction, then Z or an offset or nothing. */
static bool
read_zone(const char *s, int *ms, int *offset_min)
{
	int scale = 100, h, m;

	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
			*ms += (*s - '0') * scale;
	}
	if (*s == '\0' || strcmp(s, "Z") == 0)
		return true;
	if (*s != '+' && *s != '-')
		return false;
	h = digits(s + 1, 2);
	if (h < 0)
		return false;
	m = digits(s + (s[3] == ':' ? 4 : 3), 2);
	if (m < 0)
		return false;
	*offset_min = (h * 60 + m) * (*s == '-' ? -1 : 1);
	return true;
}

static bool
read_duration(const char *s, int64_t now_ms, int64_t *ms)
{
	static const struct {
		char unit;
		bool time;
		int64_t seconds;
	} units[] = {
		{ 'Y', false, 31536000 },
		{ 'M', false, 2592000 },
		{ 'W', false, 604800 },
		{ 'D', false, 86400 },
		{ 'H', true, 3600 },
		{ 'M', true, 60 },
		{ 'S', true, 1 },
	};
	int64_t sign = 1, sum = 0;
	bool time = false;
	size_t i;

	if (*s == '-' || *s == '+')
		sign = *s++ == '-' ? -1 : 1;
	if (*s++ != 'P' || !*s)
		return false;
	while (*s) {
		char *end;
		long n;

		if (*s == 'T') {
			time = true;
			s++;
			continue;
		}
		n = strtol(s, &end, 10);
		if (end == s || n < 0 || n > 100000)
			return false;
		for (i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (units[i].unit == *end && units[i].time == time)
				break;
		if (i == sizeof(units) / sizeof(*units))
			return false;
		sum += n * units[i].seconds;
		s = end + 1;
	}
	*ms = now_ms + sign * sum * 1000;
	return true;
}

bool
when_read(const char *s, int64_t now_ms, int64_t *ms)
{
	int fraction = 0, offset_min = 0;
	struct tm tm;

	if (!read_date(s, &tm))
		return read_duration(s, now_ms, ms);
	if (s[10] == 'T') {
		if (strnlen(s, 19) < 19 || s[13] != ':' || s[16] != ':')
			return false;
		tm.tm_hour = digits(s + 11, 2);
		tm.tm_min = digits(s + 14, 2);
		tm.tm_sec = digits(s + 17, 2);
		if (tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0)
			return false;
		if (!read_zone(s + 19, &fraction, &offset_min))
			return false;
	} else if (s[10]) {
		return false;
	}
	*ms = ((int64_t)timegm(&tm) - offset_min * 60) * 1000 + fraction;
	return true;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 1 && leap ? 29 : days[month];
}

static void
add_months(struct tm *tm, int n)
{
	/* From year 0, not 1900: no remainder is negative. */
	unsigned months =
	    (unsigned)((tm->tm_year + 1900) * 12 + tm->tm_mon + n);
	int last;

	tm->tm_year = (int)(months / 12) - 1900;
	tm->tm_mon = (int)(months % 12);
	last = days_in(tm->tm_year + 1900, tm->tm_mon);
	if (tm->tm_mday > last)
		tm->tm_mday = last;
}

static int
count_in(const char *phrase)
{
	const char *p = phrase + strcspn(phrase, "0123456789");
	long n = strtol(p, NULL, 10);

	if (strstr(phrase, "other"))
		return 2;
	return n < 1 || n > 1000 ? 1 : (int)n;
}

static bool
is_weekly(const char *phrase)
{
	static const char *const words[] = { "week", "mon", "tue", "wed", "thu",
		"fri", "sat", "sun" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(phrase, words[i]))
			return true;
	return false;
}

void
when_next(const char *date, const char *phrase, bool backwards, char out[40])
{
	const char *tail;
	struct tm tm;
	int n;

	if (!when_is_date(date)) {
		snprintf(out, 40, "%s", date);
		return;
	}
	read_date(date, &tm);
	tail = date + 10;
	n = count_in(phrase) * (backwards ? -1 : 1);
	/* "month" before "mon": the weekday is a prefix of it. */
	if (strstr(phrase, "month"))
		add_months(&tm, n);
	else if (strstr(phrase, "year"))
		add_months(&tm, 12 * n);
	else if (is_weekly(phrase))
		tm.tm_mday += 7 * n;
	else
		tm.tm_mday += n;
	timegm(&tm);
	snprintf(out, 40, "%04d-%02d-%02d%s", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tail);
}
