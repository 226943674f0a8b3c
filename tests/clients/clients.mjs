// Runs the providers' published clients against a simulator and prints TAP.
// What these packages accept is as close to the real services as a test can
// come without them. FLOWPIN_SIM_URL says where the simulator listens.
import { randomUUID } from 'node:crypto'
import { createCommand, TodoistApi, TodoistRequestError } from '@doist/todoist-sdk'
import { LinearClient } from '@linear/sdk'
import {
  createAttioClient,
  deleteV2TasksByTaskId,
  getV2Self,
  getV2Tasks,
  getV2TasksByTaskId,
  patchV2TasksByTaskId,
  postV2Tasks,
} from 'attio-ts-sdk'

const base = process.env.FLOWPIN_SIM_URL
if (!base) {
  console.error('FLOWPIN_SIM_URL is not set.')
  process.exit(2)
}

async function sim(method, path, body) {
  const res = await fetch(`${base}/_sim/${path}`, {
    method,
    body: body && JSON.stringify(body),
  })
  const json = await res.json()
  if (!res.ok) throw new Error(`${method} ${path}: ${json.error}`)
  return json
}

const stamp = Date.now().toString(36)
const key = (name) => `${name}-${stamp}`

async function items(provider, account, count, more = {}) {
  const made = await sim('POST', 'items', { provider, account, count, title: 'Buy milk', ...more })
  return made.items
}

let n = 0
let failed = 0
async function test(name, run) {
  n++
  try {
    await run()
    console.log(`ok ${n} - ${name}`)
  } catch (error) {
    failed++
    console.log(`not ok ${n} - ${name}`)
    console.log(String(error?.stack ?? error).replace(/^/gm, '# '))
  }
}

function is(got, wanted, what) {
  if (got !== wanted)
    throw new Error(`${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`)
}

async function refused(promise, what) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error(`${what} was not refused`)
}

// Todoist

const todoist = new TodoistApi(key('todoist'), { baseUrl: base })

await test('the Todoist client lists every page', async () => {
  await items('todoist', key('todoist'), 5)
  const seen = new Set()
  let cursor = null
  do {
    const page = await todoist.getTasks({ limit: 2, cursor })
    for (const task of page.results) seen.add(task.id)
    cursor = page.nextCursor
  } while (cursor)
  is(seen.size, 5, 'tasks')
})

await test('the Todoist client gets, closes and reopens a task', async () => {
  const [item] = await items('todoist', key('todoist'), 1, { due_date: '2026-12-01' })
  is((await todoist.getTask(item.id)).checked, false, 'checked before')
  is(await todoist.closeTask(item.id), true, 'close')
  const done = await todoist.getTask(item.id)
  is(done.checked, true, 'checked after')
  is(done.due.date, '2026-12-01', 'due')
  is(await todoist.reopenTask(item.id), true, 'reopen')
  is((await todoist.getTask(item.id)).checked, false, 'checked again')
})

await test('the Todoist client moves a recurring task on', async () => {
  const [item] = await items('todoist', key('todoist'), 1, {
    recurring: 'every week',
    due_date: '2026-11-23',
  })
  await todoist.closeTask(item.id)
  const task = await todoist.getTask(item.id)
  is(task.checked, false, 'checked')
  is(task.due.date, '2026-11-30', 'due')
})

await test('the Todoist client runs a sync command once', async () => {
  const [item] = await items('todoist', key('todoist'), 1, { recurring: true, due_date: '2026-11-23' })
  const command = { type: 'item_close', uuid: randomUUID(), args: { id: item.id } }
  for (let i = 0; i < 2; i++) {
    const res = await todoist.sync({ commands: [command] })
    is(res.syncStatus[command.uuid], 'ok', 'status')
  }
  is((await todoist.getTask(item.id)).due.date, '2026-11-24', 'due')
})

await test('the Todoist client understands a failed command', async () => {
  const command = createCommand('item_close', { id: '6Xnothere2222222' })
  const error = await refused(todoist.sync({ commands: [command] }), 'an unknown item')
  is(error instanceof TodoistRequestError, true, String(error))
})

await test('the Todoist client reads what was completed', async () => {
  const [item] = await items('todoist', key('todoist'), 1, { state: 'completed' })
  const { items: done } = await todoist.getCompletedTasksByCompletionDate({
    since: new Date(Date.now() - 3600000).toISOString(),
    until: new Date(Date.now() + 3600000).toISOString(),
  })
  is(done.some((task) => task.id === item.id), true, 'listed')
})

await test('the Todoist client reads the user', async () => {
  const user = await todoist.getUser()
  is(typeof user.id, 'string', 'id')
})

await test('the Todoist client maps an old id', async () => {
  const [item] = await items('todoist', key('todoist'), 1)
  const mapped = await todoist.getIdMappings({ objName: 'tasks', objIds: [item.old_id] })
  is(mapped[0].newId, item.id, 'new id')
})

await test('the Todoist client is refused with a bad token', async () => {
  const error = await refused(
    new TodoistApi('nobody', { baseUrl: base }).getTasks(),
    'a bad token',
  )
  is(error instanceof TodoistRequestError, true, String(error))
  is(error.httpStatusCode, 401, 'status')
})

await test('the Todoist client is told of an unknown id', async () => {
  const error = await refused(todoist.getTask('6Xnothere2222222'), 'an unknown id')
  is(error.httpStatusCode, 404, 'status')
  is(error.responseData.error_tag ?? error.responseData.errorTag, 'NOT_FOUND', 'tag')
})

// Linear

const apiUrl = `${base}/graphql`
const linear = new LinearClient({ apiKey: key('lin_api'), apiUrl })

await test('the Linear client lists assigned issues with its own documents', async () => {
  await items('linear', key('lin_api'), 3)
  const me = await linear.viewer
  let page = await me.assignedIssues({
    first: 2,
    filter: { state: { type: { nin: ['completed', 'canceled', 'duplicate'] } } },
  })
  is(page.nodes.length, 2, 'first page')
  page = await page.fetchNext()
  is(page.nodes.length, 3, 'both pages')
  is(page.pageInfo.hasNextPage, false, 'end')
})

await test('the Linear client finds the done state, closes and reopens', async () => {
  const [item] = await items('linear', key('lin_api'), 1)
  const issue = await linear.issue(item.id)
  const team = await issue.team
  const states = (await team.states()).nodes
  const done = states.find((state) => state.type === 'completed')
  const before = (await issue.state).id
  is((await linear.updateIssue(item.id, { stateId: done.id })).success, true, 'close')
  const closed = await linear.issue(item.id)
  is((await closed.state).type, 'completed', 'state')
  is(closed.completedAt instanceof Date, true, 'completedAt')
  await linear.updateIssue(item.identifier, { stateId: before })
  is((await sim('GET', `items/linear/${item.id}`)).state, 'open', 'reopened')
})

await test('the Linear client reads teams, states, organization and limits', async () => {
  is((await linear.teams()).nodes.length, 1, 'teams')
  is((await linear.workflowStates()).nodes.length, 6, 'states')
  is(typeof (await linear.organization).urlKey, 'string', 'organization')
  is((await linear.rateLimitStatus).limits[0].type, 'requests', 'limits')
})

await test('the Linear client runs a hand-written document', async () => {
  const [item] = await items('linear', key('lin_api'), 1)
  const { data } = await linear.client.rawRequest(
    `query IssuesById($ids: [ID!]!, $first: Int!) {
      issues(first: $first, includeArchived: true, filter: { id: { in: $ids } }) {
        nodes { id trashed completedAt state { id type } assignee { id } }
        pageInfo { hasNextPage endCursor }
      }
    }`,
    { ids: [item.id, randomUUID()], first: 10 },
  )
  is(data.issues.nodes.length, 1, 'found')
})

await test('the Linear client is refused with a bad key', async () => {
  const error = await refused(
    new LinearClient({ apiKey: 'nobody', apiUrl }).viewer,
    'a bad key',
  )
  is(error.type, 'AuthenticationError', String(error))
})

await test('the Linear client is told of an unknown issue', async () => {
  const error = await refused(linear.issue(randomUUID()), 'an unknown issue')
  is(error.type, 'InvalidInput', String(error))
  is(/Entity not found/.test(error.message), true, error.message)
})

await test('the Linear client recognizes a rate limit', async () => {
  await sim('POST', 'faults', { kind: 'rate_limit', provider: 'linear', account: key('lin_api'), times: 1 })
  const error = await refused(linear.viewer, 'a request too many')
  is(error.type, 'Ratelimited', String(error))
})

// Attio

const attio = createAttioClient({ baseUrl: base, apiKey: key('attio'), retry: { maxRetries: 0 } })
const call = (run, options) => run({ client: attio, throwOnError: true, ...options })

await test('the Attio client lists tasks', async () => {
  await items('attio', key('attio'), 3, { due_date: '2026-12-01' })
  const { data } = await call(getV2Tasks, { query: { limit: 2, offset: 2, is_completed: false } })
  is(data.data.length, 1, 'last page')
  is(data.data[0].content_plaintext, 'Buy milk 3', 'content')
})

await test('the Attio client gets, completes and uncompletes a task', async () => {
  const [item] = await items('attio', key('attio'), 1)
  const path = { task_id: item.id }
  is((await call(getV2TasksByTaskId, { path })).data.data.is_completed, false, 'before')
  for (const done of [true, false]) {
    const { data } = await call(patchV2TasksByTaskId, {
      path,
      body: { data: { is_completed: done } },
    })
    is(data.data.is_completed, done, 'answer')
    is((await sim('GET', `items/attio/${item.id}`)).is_completed, done, 'stored')
  }
})

await test('the Attio client makes and deletes a task', async () => {
  const { data } = await call(postV2Tasks, {
    body: {
      data: {
        content: 'Call Ada',
        format: 'plaintext',
        deadline_at: null,
        is_completed: false,
        linked_records: [],
        assignees: [],
      },
    },
  })
  const path = { task_id: data.data.id.task_id }
  await call(deleteV2TasksByTaskId, { path })
  await refused(call(getV2TasksByTaskId, { path }), 'a deleted task')
})

await test('the Attio client asks about its token', async () => {
  is((await call(getV2Self, {})).data.active, true, 'active')
})

await test('the Attio client is refused with a bad token', async () => {
  const nobody = createAttioClient({ baseUrl: base, apiKey: 'nobody', retry: { maxRetries: 0 } })
  const { error, response } = await getV2Tasks({ client: nobody, throwOnError: false }).catch(
    (thrown) => ({ error: thrown, response: thrown.response ?? { status: thrown.status } }),
  )
  is(Boolean(error), true, 'error')
  is(response.status, 401, 'status')
})

await test('the Attio client is told of an unknown id', async () => {
  const error = await refused(
    call(getV2TasksByTaskId, { path: { task_id: randomUUID() } }),
    'an unknown id',
  )
  is(error.status ?? error.status_code, 404, JSON.stringify(error))
})

console.log(`1..${n}`)
process.exit(failed ? 1 : 0)
