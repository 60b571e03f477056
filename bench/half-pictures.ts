// What half a picture tells of its class: of held-out pictures whose lower half is hidden, how often the nearest training pictures by what
// is seen are of their class. Who completes them in as many ways as there are keeps the class no more often than one of those taken at
// random. `node bench/half-pictures.ts [--data fashion-mnist] [--pictures 1000]`
import { parseArgs } from 'node:util';
import { loadDataset, spreadPictures } from '../train/data/index.ts';
import { lowerHalf } from '../train/eval/completion.ts';

const { values } = parseArgs({
  options: { data: { type: 'string', default: 'fashion-mnist' }, pictures: { type: 'string', default: '1000' } },
});
const NEAREST = 10;

const { train, test } = await loadDataset(values.data, { size: 28, channels: 1 });
const shown = spreadPictures(test, Number(values.pictures));
const seen = [...lowerHalf(28, 28).entries()].flatMap(([place, hidden]) => (hidden ? [] : [place]));
/** What is seen of each picture, one after another, in [0, 1]. */
const rowsOf = ({ pixels, count }: Pick<typeof train, 'pixels' | 'count'>): Float32Array => {
  const rows = new Float32Array(count * seen.length);
  for (let i = 0; i < count; i++)
    for (const [k, place] of seen.entries()) rows[i * seen.length + k] = (pixels[i * 28 * 28 + place] ?? 0) / 255;
  return rows;
};
const [known, asked] = [rowsOf(train), rowsOf(shown)];

let [byVote, byOne] = [0, 0];
for (let n = 0; n < shown.count; n++) {
  const distances = new Float32Array(train.count);
  for (let i = 0; i < train.count; i++) {
    let sum = 0;
    for (let k = 0; k < seen.length; k++) {
      const apart = (known[i * seen.length + k] ?? 0) - (asked[n * seen.length + k] ?? 0);
      sum += apart * apart;
    }
    distances[i] = sum;
  }
  const limit = distances.slice().sort()[NEAREST - 1] ?? 0;
  const votes = new Array<number>(train.classes.length).fill(0);
  distances.forEach((distance, i) => {
    const label = train.labels[i] ?? 0;
    if (distance <= limit) votes[label] = (votes[label] ?? 0) + 1;
  });
  const own = votes[shown.labels[n] ?? 0] ?? 0;
  if (votes.indexOf(Math.max(...votes)) === shown.labels[n]) byVote += 1;
  byOne += own / votes.reduce((a, b) => a + b, 0);
}
const share = (sum: number): string => (sum / shown.count).toFixed(3);
console.log(
  `${shown.count} upper halves, the ${NEAREST} nearest of ${train.count}: of the picture's class by vote ${share(byVote)}, one taken at random ${share(byOne)}`,
);
