-- Completion calls for wrk. LOAD names a file of "token task wish" lines, in an
-- order in which no task comes twice soon: each call is another task's, and who
-- came to the end goes through it again with the opposite wishes. Only a 200
-- that says accepted is a completion. Ends with one line for the caller:
--   completions seconds p50_us p99_us others
local tokens, tasks, wishes, at = {}, {}, {}, 0
local opposite = { complete = "uncomplete", uncomplete = "complete" }

accepted, others = 0, 0 -- global: done() asks each thread for them

local function read(path)
	for line in io.lines(path) do
		local token, task, wish = line:match("(%S+) (%S+) (%S+)")
		tokens[#tokens + 1] = "Authorization: Bearer " .. token
		tasks[#tasks + 1] = task
		wishes[#wishes + 1] = wish
	end
end

function init()
	read(os.getenv("LOAD"))
end

-- wrk asks for one request more than it sends, to look at it.
local looked = false

function request()
	if not looked then
		looked = true
		return "GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"
	end
	at = at % #tasks + 1
	local wish = wishes[at]
	wishes[at] = opposite[wish]
	return "POST /v1/tasks/" .. tasks[at] .. "/" .. wish ..
		" HTTP/1.1\r\nHost: bench\r\n" .. tokens[at] ..
		"\r\nContent-Length: 0\r\n\r\n"
end

function response(status, headers, body)
	if status == 200 and body:find('"outcome":"accepted"', 1, true) then
		accepted = accepted + 1
	else
		others = others + 1
		if others == 1 then
			io.stderr:write("load: " .. status .. " " .. body .. "\n")
		end
	end
end

local threads = {}

function setup(thread)
	threads[#threads + 1] = thread
end

function done(summary, latency)
	local sum, rest = 0, summary.errors.connect + summary.errors.read +
		summary.errors.write + summary.errors.timeout
	for _, thread in ipairs(threads) do
		sum = sum + thread:get("accepted")
		rest = rest + thread:get("others")
	end
	print(string.format("load %d %.6f %d %d %d", sum, summary.duration / 1e6,
		latency:percentile(50), latency:percentile(99), rest))
end
