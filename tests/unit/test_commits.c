/* Shared commits: who waits goes together, who is alone goes at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "core/clock.h"
#include "core/store/commits.h"

#define THREADS 32

struct element {
	char key[16];
	int runs; /* how often it was carried out */
};

/* Stands for the database: counts, and waits for a gate. */
struct base {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_open;
	int statements, running, most_at_once, largest;
	bool had_twins;
};

static void
run(void *context, void **elements, size_t count)
{
	struct base *base = context;

	pthread_mutex_lock(&base->lock);
	base->statements++;
	base->running++;
	if (base->running > base->most_at_once)
		base->most_at_once = base->running;
	if ((int)count > base->largest)
		base->largest = (int)count;
	pthread_cond_broadcast(&base->changed);
	while (!base->is_open)
		pthread_cond_wait(&base->changed, &base->lock);
	for (size_t i = 0; i < count; i++) {
		((struct element *)elements[i])->runs++;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(((struct element *)elements[i])->key,
				((struct element *)elements[j])->key))
				base->had_twins = true;
	}
	base->running--;
	pthread_mutex_unlock(&base->lock);
}

static const char *
key(const void *element)
{
	return ((const struct element *)element)->key;
}

struct caller {
	struct commits *commits;
	struct element element;
	pthread_t thread;
};

static void *
call(void *arg)
{
	struct caller *caller = arg;

	commits_join(caller->commits, &caller->element);
	return NULL;
}

static struct commits *
fresh(struct base *base, size_t most, int writers)
{
	struct commits_options options = { .most = most,
		.writers = writers,
		.patience_ms = 1,
		.context = base,
		.run = run,
		.key = key };
	struct commits *commits = NULL;

	memset(base, 0, sizeof(*base));
	pthread_mutex_init(&base->lock, NULL);
	pthread_cond_init(&base->changed, NULL);
	assert_int_equal(commits_new(&options, &commits), OK);
	return commits;
}

static void
open_gate(struct base *base)
{
	pthread_mutex_lock(&base->lock);
	base->is_open = true;
	pthread_cond_broadcast(&base->changed);
	pthread_mutex_unlock(&base->lock);
}

static void
wait_for_statements(struct base *base, int n)
{
	pthread_mutex_lock(&base->lock);
	while (base->statements < n)
		pthread_cond_wait(&base->changed, &base->lock);
	pthread_mutex_unlock(&base->lock);
}

static void
test_who_comes_alone_goes_at_once_on_its_own_thread(void **state)
{
	struct base base;
	struct commits *commits = fresh(&base, 8, 1);
	struct element element = { .key = "a" };

	(void)state;
	base.is_open = true;
	commits_join(commits, &element);
	assert_int_equal(element.runs, 1);
	assert_int_equal(base.statements, 1);
	commits_free(commits);
}

static void
crowd(struct base *base, struct commits *commits, int writers, int different)
{
	static struct caller callers[THREADS];

	memset(callers, 0, sizeof(callers));
	for (int i = 0; i < THREADS; i++) {
		callers[i].commits = commits;
		snprintf(callers[i].element.key, sizeof(callers[i].element.key),
		    "k%d", i % different);
		assert_int_equal(
		    pthread_create(&callers[i].thread, NULL, call, &callers[i]),
		    0);
		if (i == 0)
			wait_for_statements(base, 1); /* it is under way */
	}
	while (writers == 1 && commits_waiting(commits) < THREADS - 1)
		clock_sleep_ms(1); /* the gate is closed: all come to wait */
	open_gate(base);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		assert_int_equal(callers[i].element.runs, 1);
	}
}

static void
test_everybody_is_carried_out_exactly_once_and_together(void **state)
{
	struct base base;
	struct commits *commits = fresh(&base, 64, 1);

	(void)state;
	crowd(&base, commits, 1, THREADS);
	assert_int_equal(base.most_at_once, 1);
	assert_int_equal(base.statements, 2); /* the first, and all others */
	commits_free(commits);
}

static void
test_no_statement_is_larger_than_allowed_nor_more_at_once(void **state)
{
	struct base base;
	struct commits *commits = fresh(&base, 5, 2);

	(void)state;
	crowd(&base, commits, 2, THREADS);
	assert_true(base.largest <= 5);
	assert_true(base.most_at_once <= 2);
	commits_free(commits);
}

static void
test_two_elements_of_one_key_never_share_a_statement(void **state)
{
	struct base base;
	struct commits *commits = fresh(&base, 64, 1);

	(void)state;
	crowd(&base, commits, 1, 3);
	assert_false(base.had_twins);
	assert_true(base.largest <= 3);
	commits_free(commits);
}

/* The gate stays closed until both are under way. */
static void
test_a_statement_that_hangs_holds_up_nobody_else(void **state)
{
	struct base base;
	struct commits *commits = fresh(&base, 64, 2);
	struct caller callers[2] = { { .commits = commits, .element = { "a" } },
		{ .commits = commits, .element = { "b" } } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    pthread_create(&callers[i].thread, NULL, call, &callers[i]),
		    0);
		wait_for_statements(&base, i + 1);
	}
	assert_int_equal(base.most_at_once, 2);
	open_gate(&base);
	for (int i = 0; i < 2; i++)
		pthread_join(callers[i].thread, NULL);
	commits_free(commits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_who_comes_alone_goes_at_once_on_its_own_thread),
		cmocka_unit_test(
		    test_everybody_is_carried_out_exactly_once_and_together),
		cmocka_unit_test(
		    test_no_statement_is_larger_than_allowed_nor_more_at_once),
		cmocka_unit_test(
		    test_two_elements_of_one_key_never_share_a_statement),
		cmocka_unit_test(
		    test_a_statement_that_hangs_holds_up_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
