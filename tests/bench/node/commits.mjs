// Calls that wait for the database at the same time share a statement and its
// commit; who comes alone goes at once. No timer.
export class Commits {
	#run;
	#key;
	#most;
	#writers;
	#waiting = [];
	#writing = 0;

	// run(elements) resolves to one result per element, in their order. Two
	// elements with the same key never go into one statement.
	constructor({ run, key, most = 256, writers = 2 }) {
		this.#run = run;
		this.#key = key;
		this.#most = most;
		this.#writers = writers;
	}

	join(element) {
		return new Promise((resolve, reject) => {
			this.#waiting.push({ element, resolve, reject });
			this.#next();
		});
	}

	#take() {
		const keys = new Set();
		const taken = [];
		const left = [];

		for (const waiter of this.#waiting) {
			const key = this.#key(waiter.element);
			if (taken.length === this.#most || keys.has(key)) {
				left.push(waiter);
				continue;
			}
			keys.add(key);
			taken.push(waiter);
		}
		this.#waiting = left;
		return taken;
	}

	#next() {
		if (this.#waiting.length === 0 || this.#writing === this.#writers)
			return;
		this.#writing++;
		this.#lead(this.#take()).finally(() => {
			this.#writing--;
			this.#next();
		});
	}

	async #lead(taken) {
		try {
			const results = await this.#run(taken.map((w) => w.element));
			taken.forEach((w, i) => w.resolve(results[i]));
		} catch (error) {
			if (taken.length === 1)
				return taken[0].reject(error);
			// one of them may be to blame: each alone
			for (const waiter of taken)
				await this.#lead([waiter]);
		}
	}
}
