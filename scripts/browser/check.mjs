// Looks at the pages as people do: at two widths, light and dark, with scripts off and on. Each page has to pass axe-core, stay
// inside of the window, weigh less than 150 kB, ask nobody else for anything and complain of nothing; then each role's tasks are
// clicked through. Usage: node check.mjs ADDRESS CHROMIUM [FOLDER FOR SCREENSHOTS]
import { createRequire } from 'node:module'
import { readFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [address, executablePath, pictures] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const maxBytes = 150_000
const faults = new Set()
let looked = 0
const fault = (where, what) => faults.add(`${where}: ${what}`)

const looks = [
  { name: 'phone, light, scripts off', width: 360, height: 780, colorScheme: 'light', javaScriptEnabled: false },
  { name: 'phone, dark, scripts on', width: 360, height: 780, colorScheme: 'dark', javaScriptEnabled: true },
  { name: 'desk, light, scripts on', width: 1440, height: 900, colorScheme: 'light', javaScriptEnabled: true },
  { name: 'desk, dark, scripts off', width: 1440, height: 900, colorScheme: 'dark', javaScriptEnabled: false },
]

// listen notes what a page asks for and complains of.
function listen(page, look) {
  const seen = { bytes: 0 }
  page.on('console', m => { if (['error', 'warning'].includes(m.type()) && !/40[134]/.test(m.text())) fault(`${page.url()} (${look})`, `the console says ${m.text()}`) })
  page.on('pageerror', e => fault(`${page.url()} (${look})`, e.message))
  page.on('request', r => { if (!r.url().startsWith(address) && !r.url().startsWith('data:')) fault(`${page.url()} (${look})`, `asks ${r.url()}`) })
  page.on('response', async r => {
    if ((await r.allHeaders())['set-cookie']) fault(r.url(), 'sets a cookie')
    seen.bytes += (await r.body().catch(() => Buffer.alloc(0))).length
  })
  return seen
}

// look checks the page that is shown.
async function check(page, look, seen) {
  const scripts = !look.includes('scripts off')
  const where = `${new URL(page.url()).pathname}${new URL(page.url()).search} (${look})`
  looked++
  if (seen.bytes > maxBytes) fault(where, `weighs ${seen.bytes} bytes`)
  if (!scripts) return // axe-core needs timers, which a page without scripts has not
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (over > 0) fault(where, `is ${over} pixels wider than the window`)
  await page.evaluate(axe)
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  for (const v of found.violations) fault(where, `${v.id}: ${v.help} (${v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(', ')})`)
  if (pictures) await page.screenshot({ path: join(pictures, where.replace(/[^A-Za-z0-9]+/g, '_').slice(0, 120) + '.png'), fullPage: true })
}

// open goes to a page, and complains where it is not there.
async function open(page, path, look, status = 200) {
  const seen = listen(page, look)
  const res = await page.goto(address + path)
  if (res.status() !== status) fault(path, `answers ${res.status()}`)
  await check(page, look, seen)
  page.removeAllListeners()
}

const pages = ['/', '/data', '/method', '/transparency', '/transparency/method', '/transparency/ledger', '/transparency/releases', '/transparency/dictionary', '/privacy/signal',
  '/sites/example', '/sites/example?by=month', '/sites/example/path/2026-11-21', '/sites/example/path/2026-11-21?view=tree', '/sites/example/path/2026-10', '/sites/example/country/2026-11-21',
  '/sites/example/history?key=/www.example.org/jobs', '/sites/example/compare', '/sites/example/path/2026-11-21?q=/www.example.org/nobody/reads/this']

// say fails where the page lacks a text.
async function says(page, role, text) {
  if (!(await page.locator('body').innerText()).includes(text)) fault(`${role} at ${page.url()}`, `the page does not say ${JSON.stringify(text)}`)
}

const tasks = {
  // An analyst finds a page's readers, and shares the view by its address.
  async analyst(page) {
    await page.goto(address + '/')
    await page.getByRole('link', { name: 'Example Archives' }).first().click()
    await says(page, 'analyst', '95')
    await page.goto(address + '/sites/example/path/2026-11-21')
    const search = page.getByRole('searchbox').first()
    await search.fill('research')
    await search.press('Enter')
    await page.waitForURL(/q=research/)
    await says(page, 'analyst', 'research')
    const again = await page.context().newPage()
    await again.goto(page.url())
    if (await again.locator('main').innerText() !== await page.locator('main').innerText()) fault('analyst', 'a shared link shows another view')
    await again.close()
    await page.goto(address + '/sites/example/compare')
    await says(page, 'analyst', 'noise')
  },
  // An auditor finds the command, the ledger, a release and its checksum.
  async auditor(page) {
    await page.goto(address + '/')
    await page.getByRole('link', { name: 'Check it' }).click()
    await says(page, 'auditor', 'throng verify https://readers.example.org/')
    await page.getByRole('link', { name: 'All versions' }).click()
    await says(page, 'auditor', 'Version 3')
    await page.goBack()
    await page.getByRole('link', { name: 'All entries' }).click()
    await says(page, 'auditor', 'reservation')
    await page.goBack()
    await page.getByRole('link', { name: 'all releases with their checksums' }).click()
    const sum = await page.locator('tbody code').first().innerText()
    const file = await page.request.get(new URL(await page.getByRole('link', { name: 'JSON' }).first().getAttribute('href'), page.url()).href)
    const { createHash } = await import('node:crypto')
    if (createHash('sha256').update(await file.body()).digest('hex') !== sum) fault('auditor', 'a release does not have the checksum on the page')
  },
  // A visitor sees whether the signal arrives.
  async visitor(page) {
    await page.goto(address + '/')
    await page.getByRole('link', { name: 'Your signal' }).click()
    await says(page, 'visitor', 'does not ask to be left out')
    await page.setExtraHTTPHeaders({ 'Sec-GPC': '1' })
    await page.reload()
    await says(page, 'visitor', 'Your browser asks to be left out')
  },
  // Whoever has no mouse reaches the content and the links.
  async keyboard(page) {
    await page.goto(address + '/transparency')
    await page.keyboard.press('Tab')
    if (await page.evaluate(() => document.activeElement.textContent) !== 'Skip to the content') fault('keyboard', 'the first stop is not the skip link')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    if (!await page.evaluate(() => document.querySelector('main').contains(document.activeElement))) fault('keyboard', 'the skip link does not lead to the content')
  },
}

if (pictures) mkdirSync(pictures, { recursive: true })
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
for (const { name, width, height, colorScheme, javaScriptEnabled } of looks) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, javaScriptEnabled, bypassCSP: false })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  for (const path of pages) await open(page, path, name)
  await open(page, '/nothing/is/here', name, 404)
  for (const [role, task] of Object.entries(tasks)) {
    const own = await context.newPage()
    own.setDefaultTimeout(15_000)
    await task(own).catch(e => fault(`${role} (${name})`, e.message.split('\n')[0]))
    await own.close()
  }
  await context.close()
}
await browser.close()
for (const f of faults) console.error(f)
console.log(`${looked} pages looked at, ${faults.size} faults`)
process.exit(faults.size ? 1 : 0)
