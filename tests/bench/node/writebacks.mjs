// Begin and settle, in the product's own statements: set-based, one round trip,
// one commit; prepared once per connection.
import { readFileSync } from "node:fs";
import pg from "pg";
import { Commits } from "./commits.mjs";

// JSON goes out as it came
pg.types.setTypeParser(pg.types.builtins.JSON, (text) => text);
pg.types.setTypeParser(pg.types.builtins.JSONB, (text) => text);

const LEASE_MS = 20000;

// Its parameters, numbered in the order of their lines, have their names there.
function statement(folder, name) {
	const text = readFileSync(`${folder}/${name}.sql`, "utf8");
	const names = [...text.matchAll(/^-- :(\w+)/gm)].map((match) => match[1]);

	return { name, text, names };
}

function bound({ name, text, names }, values) {
	return { name, text, values: names.map((one) => values[one]) };
}

const column = (list, name) => list.map((element) => element[name]);
const same = (list, value) => list.map(() => value);

export class Writebacks {
	#pool;
	#begin;
	#settle;
	begin;
	settle;

	constructor({ url, connections, queries, isShared }) {
		this.#pool = new pg.Pool({ connectionString: url, max: connections });
		this.#begin = statement(queries, "writeback_begin");
		this.#settle = statement(queries, "writeback_settle");
		this.begin = async (one) => (await this.#runBegin([one]))[0];
		this.settle = async (one) => (await this.#runSettle([one]))[0];
		if (!isShared)
			return;
		const begins = new Commits({
			run: (list) => this.#runBegin(list),
			key: (one) => one.taskId,
		});
		const settles = new Commits({
			run: (list) => this.#runSettle(list),
			key: (one) => one.id,
		});
		this.begin = (one) => begins.join(one);
		this.settle = (one) => settles.join(one);
	}

	async #runBegin(list) {
		const { rows } = await this.#pool.query(bound(this.#begin, {
			user_ids: column(list, "userId"),
			task_ids: column(list, "taskId"),
			wishes: column(list, "wish"),
			ids: column(list, "id"),
			lease_ms: same(list, LEASE_MS),
		}));
		return rows;
	}

	async #runSettle(list) {
		const { rows } = await this.#pool.query(bound(this.#settle, {
			user_ids: column(list, "userId"),
			ids: column(list, "id"),
			generations: same(list, 1),
			states: column(list, "state"),
			reasons: column(list, "reason"),
			details: column(list, "detail"),
			due_ms: same(list, 0),
			is_unclear: same(list, false),
			doubt_ms: same(list, 0),
			are_told: same(list, false),
			auth_failed: same(list, false),
			limit_ms: same(list, 0),
			patches: same(list, null),
			key_versions: column(list, "keyVersion"),
		}));
		const results = [];
		for (const row of rows)
			results[row.ord - 1] = row;
		return results;
	}

	close() {
		return this.#pool.end();
	}
}
