// A site of your own with the image API under /art, from the bundles in ./models. `node server.js` serves it on port 8080.
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { pocketgen } from 'pocketgen/edge';
import { folderModels } from 'pocketgen/edge/node';

const models = await folderModels('models');
const app = new Hono();

// Pictures for whoever asks, and the bundles for pages that go on by themselves.
app.route('/art', pocketgen({ models, files: models }));

app.get('/node_modules/*', serveStatic({ root: '.' }));
app.get('/', serveStatic({ path: 'index.html' }));

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8080) }, ({ port }) =>
  console.log(`http://localhost:${port}`),
);
