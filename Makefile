# make            build the programs into build/release
# make run        a whole local stack in the foreground; PORT=8080
# make test       unit and integration tests under sanitizers, killing test, walks
# make test TESTS='210 token'  only these suites or unit programs
# make test-long  those as they are released, and more kills and walks
# make test-integration TESTS='210 *list*'  some suites; CASES=test_a: of one, these cases
# make test-unit TESTS=token  one program
# make test-crash kill -9 at every point, then hold it to account; KILLS=200 SEED=random
# make test-agreement walks over both sides at once; WALKS=40 STEPS=200 SEED=random
# make soak       both for hours: 10000 kills, 5000 walks of 1000 steps
# make bench      measure, against others; QUICK=1: in two minutes
# make bench-compare A=rev B=rev  measure two commits in turns
# make lint       rooms, format, warnings, analyzers, shell scripts
# make install    DESTDIR= PREFIX=/usr/local
# make deps       install what building and testing needs (Debian)
# make help       these lines
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
MANDIR ?= $(PREFIX)/share/man
CFLAGS ?= -O2 -g
VERSION := 0.1.0
PORT ?= 8080
KILLS ?= 200
WALKS ?= 40
STEPS ?= 200
SEED ?= random
# make test tries a case with one provider, which is another one every day
ONE = $(if $(filter random,$(SEED)),$(shell date +%-j),$(SEED))
QUICK ?= 0
# suites at once: each has a stack of its own, and mostly waits
JOBS ?= 6
CPUS := $(shell nproc)
# names, numbers or patterns of suites or unit programs; of cases. Empty: all
TESTS ?=
CASES ?=

# A variant is a folder: no make clean between.
BUILD := build/release
ifeq ($(SAN),1)
BUILD := build/san
CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
endif

# With the crash points that `make test-crash` dies at.
ifeq ($(CRASH),1)
BUILD := build/crash
CPPFLAGS += -DFLOWPIN_CRASH_POINTS
endif

PKGS := libpq libcurl libcjson openssl
OUR_CPPFLAGS = -Iinclude -I$(BUILD)/gen -Isrc -D_GNU_SOURCE -DFLOWPIN_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS))
OUR_CFLAGS := -std=c17 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -pthread $(WERROR)
LIBS = $(shell pkg-config --libs $(PKGS)) -lcjose -lm -lpthread

QUERIES := $(sort $(wildcard sql/queries/*.sql))
TEST_QUERIES := $(sort $(wildcard tests/queries/*.sql))
MIGRATIONS := $(sort $(wildcard sql/migrations/*.sql))
RULES := $(sort $(wildcard sql/rules/*.sql))
CORE_SRC := $(sort $(wildcard src/core/*.c src/core/*/*.c))
CORE := $(CORE_SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/queries.o
GATEWAY := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard src/gateway/*.c)))
POLLER := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard src/poller/*.c)))
CTL := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard src/ctl/*.c))) $(BUILD)/gen/migrations.o $(BUILD)/gen/rules.o
SIM := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/sim/*.c)))
HELPER := build/helper/flowpin-test-helper
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
# what the tests of the library run against PostgreSQL
DB_TEST := $(BUILD)/tests/integration/pipeline
PROGRAMS := $(BUILD)/flowpin-gateway $(BUILD)/flowpin-poller $(BUILD)/flowpinctl
C_FILES := $(sort $(shell find src include tests -name '*.[ch]' -not -path '*/node_modules/*'))

.PHONY: all deps help run test test-long test-all test-some test-build test-unit test-integration test-crash test-agreement soak bench bench-compare lint format install clean sim
.DELETE_ON_ERROR:
# keep objects: a unit test's is an intermediate file
.SECONDARY:

all: $(PROGRAMS)
sim: $(BUILD)/flowpin-sim

$(BUILD)/libcore.a: $(CORE)
	rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/flowpin-gateway: $(GATEWAY) $(BUILD)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lfcgi
$(BUILD)/flowpin-poller: $(POLLER) $(BUILD)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/flowpinctl: $(CTL) $(BUILD)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/flowpin-sim: $(SIM)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lmicrohttpd -lcjson -lpthread -lm
# one for all variants: it tests, and is not tested
$(HELPER): $(wildcard tests/helper/*.[ch]) tests/sim/buf.c tests/sim/buf.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(shell pkg-config --cflags libpq libcurl) $(OUR_CFLAGS) -O2 -g -o $@ \
		$(filter %.c,$^) -lpq -lcurl -ljq -lcrypto -lpthread
$(BUILD)/flowpin-stub: $(BUILD)/tests/bench/stub.o $(BUILD)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(DB_TEST): %: %.o $(BUILD)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(DB_TEST) $(BUILD)/tests/unit/test_db_args: $(BUILD)/gen/tests/queries.o
$(DB_TEST:%=%.o) $(BUILD)/tests/unit/test_db_args.o $(BUILD)/gen/tests/queries.o: | $(BUILD)/gen/tests/queries.h

$(BUILD)/%.o: %.c | $(BUILD)/gen/queries.h
	@mkdir -p $(@D)
	$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c | $(BUILD)/gen/queries.h
	$(CC) $(OUR_CPPFLAGS) -Isrc/ctl $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/gen/queries.h: $(QUERIES) src/embed.awk
	@mkdir -p $(@D)
	awk -v kind=query -v part=h -f src/embed.awk $(QUERIES) > $@
$(BUILD)/gen/queries.c: $(QUERIES) src/embed.awk
	@mkdir -p $(@D)
	awk -v kind=query -v part=c -f src/embed.awk $(QUERIES) > $@
$(BUILD)/gen/tests/queries.h: $(TEST_QUERIES) src/embed.awk
	@mkdir -p $(@D)
	awk -v kind=query -v part=h -f src/embed.awk $(TEST_QUERIES) > $@
$(BUILD)/gen/tests/queries.c: $(TEST_QUERIES) src/embed.awk
	@mkdir -p $(@D)
	awk -v kind=query -v part=c -f src/embed.awk $(TEST_QUERIES) > $@
$(BUILD)/gen/migrations.c: $(MIGRATIONS) src/embed.awk
	@mkdir -p $(@D)
	awk -v kind=migration -v part=c -f src/embed.awk $(MIGRATIONS) > $@
$(BUILD)/gen/rules.c: $(RULES) src/embed.awk
	@mkdir -p $(@D)
	awk -v kind=rule -v part=c -f src/embed.awk $(RULES) > $@
# the schema as a file, for those who would rather read it first
$(BUILD)/setup-db.sql: $(BUILD)/flowpinctl
	$< --config /dev/null migrate --print > $@
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

help:
	@sed -n 's/^# //p;/^PREFIX/q' Makefile

deps:
	@tests/deps.sh

# A copy that is not prepared yet prepares itself, then starts over: pkg-config
# is asked while the Makefile is read.
run: deps
	@$(MAKE) --no-print-directory all sim
	@BUILD=$(BUILD) PORT=$(PORT) tests/run.sh

ifneq ($(TESTS),)
test: deps
	@MAKE='$(MAKE)' TESTS='$(TESTS)' tests/timed.sh 'these tests' \
		$(MAKE) --no-print-directory SAN=1 test-some
else
test: KILLS = 100
test: WALKS = 20
test: deps
	@tests/timed.sh --forget
	@tests/timed.sh 'building' $(MAKE) --no-print-directory -s -j$(CPUS) SAN=1 test-build
	@tests/timed.sh 'unit programs' $(MAKE) --no-print-directory SAN=1 test-unit
	@tests/timed.sh 'integration suites' $(MAKE) --no-print-directory SAN=1 SAMPLE=$(ONE) test-integration
	@tests/timed.sh '$(KILLS) kills' $(MAKE) --no-print-directory test-crash KILLS=$(KILLS)
	@tests/timed.sh '$(WALKS) walks' $(MAKE) --no-print-directory test-agreement WALKS=$(WALKS)
	@tests/timed.sh --show
endif

test-some:
	@MAKE='$(MAKE)' TESTS='$(TESTS)' tests/some.sh

test-build: $(UNIT) $(PROGRAMS) $(BUILD)/flowpin-sim $(HELPER) $(DB_TEST)

test-long: KILLS = 500
test-long: WALKS = 200
test-long: deps
	@$(MAKE) --no-print-directory test-all
	@$(MAKE) --no-print-directory test-crash KILLS=$(KILLS)
	@$(MAKE) --no-print-directory test-agreement WALKS=$(WALKS)

test-all: test-unit test-integration

test-unit: $(UNIT)
	@BUILD=$(BUILD) TESTS='$(TESTS)' tests/unit/run.sh $(UNIT)

test-integration: $(PROGRAMS) $(BUILD)/flowpin-sim $(HELPER) $(DB_TEST)
	@BUILD=$(BUILD) JOBS=$(JOBS) SAMPLE=$(SAMPLE) \
		TESTS='$(TESTS)' CASES='$(CASES)' tests/integration/run.sh

test-crash: deps
	@$(MAKE) --no-print-directory -j$(CPUS) CRASH=1 -s all sim
	@BUILD=build/crash KILLS=$(KILLS) SEED=$(SEED) tests/walks/crash/run.sh

test-agreement: deps
	@$(MAKE) --no-print-directory -j$(CPUS) CRASH=1 -s all sim
	@BUILD=build/crash WALKS=$(WALKS) STEPS=$(STEPS) SEED=$(SEED) tests/walks/agreement/run.sh

soak: KILLS = 10000
soak: deps
	@$(MAKE) --no-print-directory -j$(CPUS) CRASH=1 -s all sim
	@BUILD=build/crash KILLS=$(KILLS) SEED=$(SEED) tests/walks/crash/soak.sh
	@$(MAKE) --no-print-directory test-agreement WALKS=5000 STEPS=1000

bench: deps
	@$(MAKE) --no-print-directory -s all build/release/flowpin-stub
	@QUICK=$(QUICK) tests/bench/run.sh

bench-compare: deps
	@$(MAKE) --no-print-directory -s build/release/flowpin-stub
	@tests/bench/compare.sh $(A) $(B)

# gcc 12's analyzer loses what is stored through a computed pointer and calls it
# leaked; the sanitizers' tests look for leaks.
lint: deps
	@$(MAKE) --no-print-directory BUILD=build/lint WERROR=-Werror \
		CFLAGS='-O2 -g -fanalyzer -Wno-analyzer-malloc-leak' \
		build/lint/flowpin-gateway build/lint/flowpin-poller build/lint/flowpinctl
	@$(MAKE) --no-print-directory BUILD=build/lint WERROR=-Werror CFLAGS='-O2 -g' \
		build/lint/flowpin-sim build/lint/flowpin-stub build/lint/tests/integration/pipeline
	@tests/lint/run.sh $(C_FILES)

format:
	clang-format -i $(C_FILES)

install: $(PROGRAMS) $(BUILD)/setup-db.sql
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(SYSCONFDIR)/flowpin $(DESTDIR)$(PREFIX)/share/flowpin/sql \
		$(DESTDIR)$(PREFIX)/share/flowpin/nginx $(DESTDIR)$(PREFIX)/share/doc/flowpin \
		$(addprefix $(DESTDIR)$(MANDIR)/man,1 5 8)
	install -m 755 $(BUILD)/flowpin-gateway $(BUILD)/flowpin-poller $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/flowpinctl $(DESTDIR)$(PREFIX)/bin
	for unit in deploy/*.service deploy/*.socket deploy/*.timer; do \
		sed 's|@PREFIX@|$(PREFIX)|g' $$unit > $(DESTDIR)$(UNITDIR)/$$(basename $$unit) || exit 1; done
	test -e $(DESTDIR)$(SYSCONFDIR)/flowpin/flowpin.conf || \
		install -m 600 deploy/flowpin.conf $(DESTDIR)$(SYSCONFDIR)/flowpin/flowpin.conf
	install -m 644 deploy/flowpin.conf $(DESTDIR)$(PREFIX)/share/doc/flowpin/flowpin.conf.sample
	install -m 644 $(BUILD)/setup-db.sql sql/gateway-role.sql $(DESTDIR)$(PREFIX)/share/flowpin/sql
	for file in nginx/*.conf; do \
		sed 's|@PREFIX@|$(PREFIX)|g' $$file > $(DESTDIR)$(PREFIX)/share/flowpin/nginx/$$(basename $$file) || exit 1; done
	install -m 644 README.md deploy/openapi.json LICENSE $(DESTDIR)$(PREFIX)/share/doc/flowpin
	install -m 644 deploy/README.md $(DESTDIR)$(PREFIX)/share/doc/flowpin/deploy.md
	install -m 644 deploy/flowpin.md $(DESTDIR)$(PREFIX)/share/doc/flowpin
	for section in 1 5 8; do \
		install -m 644 deploy/man/*.$$section $(DESTDIR)$(MANDIR)/man$$section || exit 1; done

clean:
	rm -rf build/release build/san build/lint build/crash build/cluster build/ca.pem
