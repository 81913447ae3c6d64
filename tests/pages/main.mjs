// Goes every way through the pages, or with `firefox` the main ones in Firefox; of those that VESTIBULE_PAGES_ONLY names, a regular expression,
// where it is set.
import { cpus } from 'node:os';
import * as chromium from './support.mjs';
import * as firefox from './firefox.mjs';
import * as account from './ways/account.mjs';
import * as operators from './ways/console.mjs';
import * as habits from './ways/habits.mjs';
import * as links from './ways/links.mjs';
import * as processes from './ways/processes.mjs';
import * as providers from './ways/providers.mjs';

const { servers } = chromium;
const inFirefox = process.argv.includes('firefox');
const { Visitor, launch } = inFirefox ? firefox : chromium;
const TOGETHER = Number(process.env.VESTIBULE_PAGES_TOGETHER || cpus().length * 2);

/** The ways that are gone in Firefox too. */
const MAIN = [
  processes.aNewPersonRegistersAndIsSignedIn,
  processes.aForgottenPasswordIsReplaced, processes.aForgottenUserNameIsMailed, processes.aPasswordIsReplacedByAnsweringQuestions,
  processes.whatIsDueComesBeforeTheAccount, processes.aProcessOfTheProjectsOwnIsAForm,
  account.aPasswordIsWrongAndThenRight, account.personalDataAreChanged, account.aNewAddressIsConfirmedByItsCode,
  account.aPasswordIsChangedAndOtherDevicesAreSignedOut, account.questionsAreChanged, account.somebodyWhoIsSignedInForgotNothing,
  links.aLinkWorksOnAnotherDeviceAndTheFirstOneNotices,
];

/** Each way is gone with scripts and without, but for those that are about scripts. */
function tests() {
  const all = [];
  for (const part of [processes, account, links, habits, operators, providers]) {
    for (const [name, way] of Object.entries(part)) {
      if (typeof way !== 'function' || (inFirefox && !MAIN.includes(way))) continue;
      const modes = way.only ? [way.only === 'scripts'] : [true, false];
      for (const scripts of modes) all.push({ name: `${name.replace(/(?<!^)[A-Z]/g, (letter) => ' ' + letter.toLowerCase())}${scripts ? '' : ', without scripts'}`, way, scripts });
    }
  }
  return all;
}

async function run(browser, { name, way, scripts }) {
  const visitors = [];
  const visit = async (options = {}) => {
    const visitor = await Visitor.of(browser, servers[options.server || 'open'], { scripts, ...options });
    visitors.push(visitor);
    return visitor;
  };
  const began = Date.now();
  try {
    await way({ visit, scripts, browser, server: servers.open, still: servers.still, first: servers.first });
    const faults = visitors.flatMap((visitor) => visitor.faults);
    if (faults.length) throw new Error(`the browser is not content:\n${faults.join('\n')}`);
    return { name, took: Date.now() - began };
  } catch (error) {
    return { name, took: Date.now() - began, error };
  } finally {
    await Promise.all(visitors.map((visitor) => visitor.close().catch(() => {})));
  }
}

const wanted = new RegExp(process.env.VESTIBULE_PAGES_ONLY ?? '');
const waiting = tests().filter(({ name }) => wanted.test(name));
if (!waiting.length) throw new Error(`there is no way called ${wanted}`);
const began = Date.now();
const browser = await launch();
const done = [];
// Of Firefox there are two, for one way each at a time.
const lanes = inFirefox
  ? [true, false].map((scripts) => waiting.filter((test) => test.scripts === scripts))
  : Array.from({ length: TOGETHER }, () => waiting);
await Promise.all(lanes.map(async (lane) => {
  for (let next = lane.shift(); next; next = lane.shift()) {
    const result = await run(browser, next);
    done.push(result);
    console.log(`${result.error ? 'FAILED' : 'ok'} ${result.name} (${result.took} ms)`);
    if (result.error) console.log(result.error.stack, result.error.cause?.message ?? '');
  }
}));
await browser.close();
const failed = done.filter((result) => result.error);
console.log(`${done.length} ways in ${((Date.now() - began) / 1000).toFixed(1)} s, ${failed.length} failed`);
process.exit(failed.length ? 1 : 0);
