// The gateway's completion calls as a Node service: the same tables and
// statements, the same answers, on Fastify, pg, undici and fast-jwt. What a call
// does when all is well is all here; of what may go wrong, only that a refusal
// is rolled back. Settings come from the environment; see ../lib.sh.
import { createDecipheriv, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { createVerifier } from "fast-jwt";
import { Agent, request } from "undici";
import { providers } from "./providers.mjs";
import { Writebacks } from "./writebacks.mjs";

const env = process.env;
const PROVIDER_TIMEOUT_MS = 4000;
const NONCE = 12;
const TAG = 16;

const masterKey = Buffer.from(readFileSync(env.MASTER_KEY_FILE, "utf8").trim(),
	"hex");
const verify = createVerifier({
	key: readFileSync(env.JWT_SECRET_FILE, "utf8").trim(),
	algorithms: ["HS256"],
	allowedAud: "authenticated",
	cache: 1000,
});
const writebacks = new Writebacks({
	url: env.DATABASE_URL,
	connections: Number(env.DATABASE_CONNECTIONS),
	queries: env.QUERIES,
	isShared: env.SHARED_COMMITS === "1",
});
const agent = new Agent({
	connections: Number(env.PROVIDER_CONNECTIONS),
	headersTimeout: PROVIDER_TIMEOUT_MS,
	bodyTimeout: PROVIDER_TIMEOUT_MS,
});

// version, nonce, ciphertext, tag: AES-256-GCM, bound to the row
function openKey(sealed, userId, connectionId) {
	const decipher = createDecipheriv("aes-256-gcm", masterKey,
		sealed.subarray(1, 1 + NONCE));

	decipher.setAAD(Buffer.from(`integrations:${userId}:${connectionId}`));
	decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
	return decipher.update(sealed.subarray(1 + NONCE, sealed.length - TAG),
		undefined, "utf8") + decipher.final("utf8");
}

async function send(row, userId, wish) {
	const provider = providers[row.type];
	const wished = {
		wish,
		sourceId: row.source_id,
		item: JSON.parse(row.source_metadata),
		metadata: JSON.parse(row.metadata),
		key: openKey(row.key_sealed, userId, row.connection_id),
	};
	const { path, ...options } = provider.request(wished);

	try {
		const answer = await request(env[`${row.type.toUpperCase()}_URL`] +
			path, { ...options, dispatcher: agent });
		const body = await answer.body.text();
		const isDone = answer.statusCode < 300 &&
			provider.isDone(wished, body);
		return {
			state: isDone ? "accepted" : "rolled_back",
			reason: isDone ? "done" : "refused",
			detail: `${row.type}: HTTP ${answer.statusCode}`,
		};
	} catch (error) {
		return { state: "rolled_back", reason: "unreachable",
			detail: error.message };
	}
}

const answer = (task, id, outcome, reason) =>
	`{"task":${task},"writeback":{"id":${id ? `"${id}"` : null},` +
	`"outcome":"${outcome}","reason":${reason ? `"${reason}"` : null}}}\n`;

const app = Fastify({ logger: { level: "info" }, disableRequestLogging: true });

app.addContentTypeParser("*", (req, payload, done) => done(null, undefined));
app.addHook("onRequest", async (req, reply) => {
	try {
		const claims = verify((req.headers.authorization ?? "").slice(7));
		if (claims.role !== "authenticated")
			throw new Error("not a user's");
		req.userId = claims.sub;
	} catch {
		await reply.code(401).type("application/problem+json")
			.send('{"title":"Unauthorized","status":401}');
	}
});
app.addHook("onResponse", async (req, reply) => {
	req.log.info({ method: req.method, url: req.url, user: req.userId,
		status: reply.statusCode, ms: Math.round(reply.elapsedTime) });
});

app.post("/v1/tasks/:id/:wish", {
	schema: { params: { type: "object", properties: {
		id: { type: "string", format: "uuid" },
		wish: { enum: ["complete", "uncomplete"] },
	} } },
}, async (req, reply) => {
	const { id: taskId, wish } = req.params;
	const { userId } = req;
	const id = randomUUID();
	const begun = await writebacks.begin({ userId, taskId, wish, id });

	reply.type("application/json");
	if (begun.route === "not_found" || begun.route === "busy")
		return reply.code(begun.route === "busy" ? 503 : 404).send("{}");
	if (begun.route !== "send" || begun.state !== "sending")
		return answer(begun.task, null, "skipped", begun.reason);
	const ending = await send(begun, userId, wish);
	const settled = await writebacks.settle({ userId, id,
		keyVersion: begun.key_version, ...ending });
	if (ending.state !== "accepted")
		reply.code(502);
	return answer(settled.task, id, ending.state, ending.reason);
});

process.on("SIGTERM", async () => {
	await app.close();
	await writebacks.close();
	process.exit(0);
});
await app.listen({ path: env.SOCKET });
