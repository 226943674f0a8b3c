#!/bin/bash
# What src/embed.awk makes of queries, and what it refuses: a parameter that is
# not what the head says does not become a statement.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

AWKS=$(command -v mawk gawk original-awk || command -v awk)

# embeds PART: what the file on standard input becomes; the same under any awk.
embeds() {
	local awk first='' said=''

	cat >"$STACK_DIR/noun_verb.sql"
	for awk in $AWKS; do
		said=$("$awk" -v kind=query -v part="$1" \
			-f "$STACK_ROOT/src/embed.awk" "$STACK_DIR/noun_verb.sql" 2>&1)
		STATUS=$?
		[ "${first:=$said}" = "$said" ] || flunk "$awk says the same"
	done
	BODY=$said
}

# refuses WHY: with one sentence, in every part.
refuses() {
	local part query

	query=$(cat)
	for part in h c sql; do
		embeds "$part" <<<"$query"
		is "$STATUS" 1 "it is refused"
		is "$(grep '\.$' <<<"$BODY")" "$STACK_DIR/noun_verb.sql: $1." \
			"and why is said"
	done
}

test_a_name_must_be_declared() {
	refuses ':id is used but not declared' <<-'SQL'
		-- noun_verb: what it does.
		select :id
	SQL
	refuses ':ids is used but not declared' <<-'SQL'
		-- :id  uuid
		select :id, :ids
	SQL
}

test_a_name_must_be_used() {
	refuses ':b is declared but not used' <<-'SQL'
		-- :a  text
		-- :b  text
		select :a, ':b', a[1:b], x::b -- :b
		/* :b */
	SQL
}

test_a_name_is_declared_once() {
	refuses ':a is declared twice' <<-'SQL'
		-- :a  text
		-- :a  uuid
		select :a
	SQL
}

test_a_name_is_lower_case() {
	refuses "':Aa' is no name of a parameter" <<-'SQL'
		-- :Aa  text
		select 1
	SQL
}

test_a_type_is_one_that_c_has_values_of() {
	local type

	for type in money 'text?' 'uuid[]?' 'bytea[]' 'bytea?' 'integer??' '[]'; do
		refuses ":a has the unknown type '$type'" <<-SQL
			-- :a  $type  prose
			select :a
		SQL
	done
	refuses ":a has the unknown type ''" <<-'SQL'
		-- :a
		select :a
	SQL
}

test_a_number_is_no_name() {
	refuses 'a $ in the statement, whose parameters have names' <<-'SQL'
		-- :a  text
		select :a, $1
	SQL
}

test_a_string_must_end() {
	refuses "it ends within what ' would end" <<-'SQL'
		-- :a  text
		select :a, 'x
	SQL
}

test_names_are_numbered_in_the_order_of_the_head() {
	embeds sql <<-'SQL'
		-- noun_verb: what it does.
		-- :b  uuid[]    whose
		-- which goes on here
		-- :a  integer?  or null
		-- input: errors of class 22 are about what the caller sent
		select :a, :b, :a::text, ':a', "x:a" -- :c
		 where :b [1] is null and x = any(:b)
	SQL
	is "$STATUS" 0 "it is taken"
	is "$BODY" "-- :b  uuid[]    whose
-- :a  integer?  or null
select \$2::integer, \$1::uuid[], \$2::integer::text, ':a', \"x:a\" -- :c
 where (\$1::uuid[]) [1] is null and x = any(\$1::uuid[])" "as it is sent"
}

test_more_than_forty_parameters_do_not_compile() {
	local n

	for n in 40 41; do
		{
			for ((i = 1; i <= n; i++)); do echo "-- :p$i  text"; done
			echo select
			for ((i = 1; i <= n; i++)); do echo " :p$i,"; done
			echo 1
		} >"$STACK_DIR/many.sql"
		for part in h c; do
			awk -v kind=query -v part="$part" \
				-f "$STACK_ROOT/src/embed.awk" "$STACK_DIR/many.sql" \
				>"$STACK_DIR/queries.$part"
		done
		cc -std=c17 -fsyntax-only -I "$STACK_ROOT/include" \
			-I "$STACK_ROOT/src" "$STACK_DIR/queries.c" \
			2>"$STACK_DIR/errors"
		is $? $((n > 40)) "$n"
	done
	like "$(cat "$STACK_DIR/errors")" 'many has too many parameters' \
		"which is said"
}

# compiles FIELD: does account_add have that parameter?
compiles() {
	cc -std=c17 -fsyntax-only -I "$STACK_ROOT/include" -I "$STACK_DIR" \
		-x c - 2>/dev/null <<-C
			#include "queries.h"
			const struct q_account_add_args args = { .$1 = 1 };
		C
}

test_a_misspelt_field_does_not_compile() {
	awk -v kind=query -v part=h -f "$STACK_ROOT/src/embed.awk" \
		"$STACK_ROOT"/tests/queries/*.sql >"$STACK_DIR/queries.h"
	ok "a field" compiles id
	compiles ids && flunk "no field"
	return 0
}

stack_init || bail "no directory"
run_tests
