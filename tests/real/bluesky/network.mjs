// A whole Bluesky network on loopback (directory of identities, account server, application view, moderation) by the
// project's own @atproto/dev-env. Prints one line of JSON when it is ready and ends with SIGTERM or its standard input.
//
//   DB_POSTGRES_URL=... REDIS_HOST=host:port node --import ./loopback.mjs network.mjs     in the folder of node_modules
//
// Its stock search knows neither since, until, mentions nor phrases, so `searchUrl`, the application view's own hook for a
// search service, is answered here: it returns addresses only. What a search gives is still validated, filled, paged and
// shown by the real server. This search is our reading of the lexicon, not the ranking of bsky.app.
import http from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(path.join(process.cwd(), 'package.json'))
const { TestNetwork, mockMailer } = await import(pathToFileURL(require.resolve('@atproto/dev-env')).href)
const { default: pg } = await import(pathToFileURL(require.resolve('pg')).href)

const SCHEMA = 'coolhead'
const MOST = 10_000
const pool = new pg.Pool({ connectionString: process.env.DB_POSTGRES_URL, max: 2 })

async function search(asked) {
  const values = []
  const wanted = []
  const where = (sql, value) => wanted.push(sql.replace('?', `$${values.push(value)}`))
  for (const [, phrase, word] of (asked.get('q') ?? '').matchAll(/"([^"]+)"|(\S+)/g)) {
    where('p.text ilike ?', `%${(phrase ?? word).replace(/[%_\\]/g, '\\$&')}%`)
  }
  if (asked.get('since')) where('p."sortAt" >= ?', new Date(asked.get('since')).toISOString())
  if (asked.get('until')) where('p."sortAt" < ?', new Date(asked.get('until')).toISOString())
  if (asked.get('mentions')) {
    where(`r.json::jsonb -> 'facets' @> ?::jsonb`, JSON.stringify([{ features: [{ did: asked.get('mentions') }] }]))
  }
  const offset = Number(asked.get('cursor') ?? 0)
  const limit = Number(asked.get('limit') ?? 25)
  const found = await pool.query(
    `select p.uri from appview_${SCHEMA}.post p join appview_${SCHEMA}.record r on r.uri = p.uri
     where ${wanted.join(' and ') || 'true'} order by p."sortAt" desc, p.cid desc offset ${offset} limit ${limit}`,
    values,
  )
  const more = found.rows.length === limit && offset + limit < MOST ? { cursor: String(offset + limit) } : {}
  return { posts: found.rows.map(({ uri }) => ({ uri })), ...more }
}

async function serve(answer) {
  const server = http.createServer(async (request, response) => {
    const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    try {
      send(200, await answer(new URL(request.url, 'http://localhost')))
    } catch (error) {
      send(400, { error: 'BadQueryString', message: String(error) })
    }
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${server.address().port}`
}

const network = await TestNetwork.create({
  dbPostgresSchema: SCHEMA,
  pds: { hostname: 'localhost', rateLimitsEnabled: true },
  bsky: { searchUrl: await serve(({ searchParams }) => search(searchParams)) },
})
mockMailer?.(network.pds)

// GET it to wait until everything that was written is indexed and can be found.
const settle = await serve(async () => {
  await network.processAll(20_000)
  return {}
})
console.log(JSON.stringify({ pds: network.pds.url, appview: network.bsky.url, settle, admin: network.pds.adminAuth() }))

async function end() {
  setTimeout(() => process.exit(1), 10_000).unref()
  await network.close()
  process.exit(0)
}
process.on('SIGTERM', end)
process.stdin.on('end', end).resume()
