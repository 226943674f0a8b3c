// One page of one origin in a real browser, making calls as a script there would.
//
//	node page.mjs ORIGIN <CALLS
//
// Serves an empty page at ORIGIN, opens it, and makes each call of CALLS (one JSON
// object a line: url and fetch()'s options) with fetch(). Prints a line of JSON for
// each: status, the body, the headers that the page may read; or error.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const origin = new URL(process.argv[2]);
const server = createServer((request, response) => {
	response.setHeader("Content-Type", "text/html");
	response.end("<!doctype html><title>A page</title>");
});
await new Promise((done) => server.listen(origin.port, "127.0.0.1", done));
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM,
	args: ["--no-sandbox", "--disable-dev-shm-usage",
		"--host-resolver-rules=MAP *.test 127.0.0.1"],
});
try {
	const page = await browser.newPage();
	await page.goto(origin.href, { timeout: 30000 });
	for await (const line of createInterface({ input: process.stdin })) {
		const { url, ...options } = JSON.parse(line);
		const said = await page.evaluate(async ([url, options]) => {
			try {
				const answer = await fetch(url, options);
				return { status: answer.status,
					headers: Object.fromEntries(answer.headers),
					body: await answer.text() };
			} catch (error) {
				return { error: error.name };
			}
		}, [url, options]);
		console.log(JSON.stringify(said));
	}
} finally {
	await browser.close();
	server.close();
}
