// Publishes the bundle folder named first to the store named second; says `writing` when the bundle has been checked, and `done`.
// Started, and killed at any moment, by publish-kills.ts.
import { readCheckedBundle } from '../cli/publish/bundle.ts';
import { publishBundle } from '../cli/publish/publish.ts';
import { openTarget } from '../cli/publish/target.ts';

const [folder = '', to = ''] = process.argv.slice(2);
const bundle = await readCheckedBundle(folder);
const store = await openTarget(to);
console.log('writing');
await publishBundle(store, bundle);
console.log('done');
