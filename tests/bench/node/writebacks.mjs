// Begin and settle, in the product's own statements: set-based, one round trip,
// one commit; prepared once per connection.
import { readFileSync } from "node:fs";
import pg from "pg";
import { Commits } from "./commits.mjs";

// JSON goes out as it came
pg.types.setTypeParser(pg.types.builtins.JSON, (text) => text);
pg.types.setTypeParser(pg.types.builtins.JSONB, (text) => text);

const LEASE_MS = 20000;
const GIVE_UP_MS = 86400000;

function statement(folder, name) {
	return { name, text: readFileSync(`${folder}/${name}.sql`, "utf8") };
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
		const { rows } = await this.#pool.query({ ...this.#begin, values: [
			column(list, "userId"), column(list, "taskId"),
			column(list, "wish"), column(list, "id"),
			same(list, LEASE_MS), GIVE_UP_MS,
		] });
		return rows;
	}

	async #runSettle(list) {
		const { rows } = await this.#pool.query({ ...this.#settle, values: [
			column(list, "userId"), column(list, "id"), same(list, 1),
			column(list, "state"), column(list, "reason"),
			column(list, "detail"), same(list, 0), same(list, false),
			same(list, 0), same(list, null), same(list, null),
			column(list, "keyVersion"), same(list, false),
		] });
		const results = [];
		for (const row of rows)
			results[row.ord - 1] = row;
		return results;
	}

	close() {
		return this.#pool.end();
	}
}
