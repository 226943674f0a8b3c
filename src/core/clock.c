/* Clocks, and time as text. The calendar arithmetic is our own because timegm()
 * and strptime() silently accept impossible dates and depend on the locale. */
#include "core/clock.h"

#include <stdio.h>
#include <time.h>

#define MS_PER_DAY INT64_C(86400000)

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* these two clocks cannot fail */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

void
clock_sleep_ms(int64_t ms)
{
	struct timespec ts;

	if (ms <= 0)
		return;
	ts.tv_sec = (time_t)(ms / 1000);
	ts.tv_nsec = (long)(ms % 1000) * 1000000;
	/* Not resumed after a signal, so that the loop outside can look at its
	 * stop flag. */
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

void
clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

bool
clock_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms)
{
	struct timespec until = { .tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000) * 1000000 };

	return pthread_cond_timedwait(cond, lock, &until) == 0;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to a date of the years 0 to 9999. Years are counted from
 * March, so that a leap day is a year's last day. */
static int64_t
days_from_date(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 719468;
}

/* Read exactly n digits and move on. */
static bool
take_digits(const char **p, int n, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		char c = (*p)[i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*p += n;
	*out = value;
	return true;
}

static bool
take_char(const char **p, char want)
{
	if (**p != want)
		return false;
	(*p)++;
	return true;
}

static bool
take_date(const char **p, int64_t *days)
{
	int year, month, day;

	if (!take_digits(p, 4, &year) || !take_char(p, '-') ||
	    !take_digits(p, 2, &month) || !take_char(p, '-') ||
	    !take_digits(p, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month))
		return false;
	*days = days_from_date(year, month, day);
	return true;
}

/* ".5" or ".123456789" as milliseconds; finer digits are cut off. */
static bool
take_fraction(const char **p, int *ms)
{
	int scale = 100;

	*ms = 0;
	if (!take_char(p, '.'))
		return true;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		*ms += (**p - '0') * scale;
		scale /= 10;
	}
	return true;
}

static bool
take_time(const char **p, int64_t *ms)
{
	int hour, minute, second, fraction;

	if (!take_digits(p, 2, &hour) || !take_char(p, ':') ||
	    !take_digits(p, 2, &minute) || !take_char(p, ':') ||
	    !take_digits(p, 2, &second) || !take_fraction(p, &fraction))
		return false;
	/* 60 is a leap second (RFC 3339, 5.7); it becomes the next minute. */
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + fraction;
	return true;
}

static bool
take_offset(const char **p, int64_t *ms)
{
	int sign, hours, minutes;

	*ms = 0;
	if (take_char(p, 'Z') || take_char(p, 'z'))
		return true;
	if (take_char(p, '+'))
		sign = 1;
	else if (take_char(p, '-'))
		sign = -1;
	else
		return false;
	if (!take_digits(p, 2, &hours) || !take_char(p, ':') ||
	    !take_digits(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ms = sign * (hours * 60 + minutes) * INT64_C(60000);
	return true;
}

bool
clock_parse(const char *text, int64_t *wall_ms)
{
	const char *p = text;
	int64_t days, ms = 0, offset = 0;

	if (text == NULL || !take_date(&p, &days))
		return false;
	if (*p != '\0') {
		if (*p != 'T' && *p != 't' && *p != ' ')
			return false;
		p++;
		if (!take_time(&p, &ms) || !take_offset(&p, &offset))
			return false;
	}
	if (*p != '\0')
		return false;
	*wall_ms = days * MS_PER_DAY + ms - offset;
	return true;
}

/* The inverse of days_from_date(). */
static void
date_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097; /* day of era */
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153; /* months since March */

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

void
clock_format(int64_t wall_ms, char out[CLOCK_TEXT])
{
	const int64_t first = days_from_date(0, 1, 1) * MS_PER_DAY;
	const int64_t last = days_from_date(10000, 1, 1) * MS_PER_DAY - 1;
	int year, month, day;
	int64_t days, ms;

	/* The text has room for four digits of year. */
	if (wall_ms < first)
		wall_ms = first;
	if (wall_ms > last)
		wall_ms = last;
	days = wall_ms / MS_PER_DAY;
	ms = wall_ms % MS_PER_DAY;
	if (ms < 0) {
		ms += MS_PER_DAY;
		days--;
	}
	date_from_days(days, &year, &month, &day);
	/* The values fit anyway; the remainders prove it to the compiler. */
	(void)snprintf(out, CLOCK_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    (unsigned)year % 10000, (unsigned)month % 100, (unsigned)day % 100,
	    (unsigned)(ms / 3600000) % 100, (unsigned)(ms / 60000 % 60),
	    (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
}
