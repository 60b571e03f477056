// The API as a Hono app: protection, routes, errors, log. It stands alone, as in our entries (edge/worker.ts in workerd,
// edge/node.ts), or under any path of another app: `app.route('/art', pocketgen({ models }))`.
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { matchedRoutes } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import { getPath } from 'hono/utils/url';
import { createAddresses } from './address.ts';
import { type Endpoint, mountOf, pathOf, tidyPath } from './endpoint.ts';
import { addModelFiles } from './model-files.ts';
import { createPictureDecoder } from './pictures/decode.ts';
import { isOpenAiPath, notAllowed, Problem, problemResponse } from './problem.ts';
import { createKeyCheck } from './protect/keys.ts';
import { rateHeaders } from './protect/rate-limit.ts';
import { completeEndpoints, completeRoutes } from './routes/complete.ts';
import { documentRoutes } from './routes/documents.ts';
import { encodeEndpoints, encodeRoutes } from './routes/encode.ts';
import { generationEndpoints, generationRoutes } from './routes/generations.ts';
import { gridEndpoints, gridRoutes } from './routes/grids.ts';
import { imageEndpoints, imageRoutes } from './routes/images.ts';
import { latentEndpoints, latentRoutes } from './routes/latents.ts';
import { modelEndpoints, modelRoutes } from './routes/models.ts';
import { trainingEndpoints, trainingRoutes } from './routes/training.ts';
import { walkEndpoints, walkRoutes } from './routes/walks.ts';
import type { AppEnv, PocketgenOptions, Services } from './services.ts';
import { storeRoutes } from './store/routes.ts';
import { createTiming } from './timing.ts';

export const endpoints: readonly Endpoint[] = [
  ...modelEndpoints,
  ...trainingEndpoints,
  ...imageEndpoints,
  ...encodeEndpoints,
  ...completeEndpoints,
  ...latentEndpoints,
  ...gridEndpoints,
  ...walkEndpoints,
  ...generationEndpoints,
];

/** Throws UserError where an option is none. */
export function pocketgen(options: PocketgenOptions): Hono<AppEnv> {
  const { models, store, training, rateLimit, log } = options;
  const services: Services = {
    ...{ models, store, training },
    keys: createKeyCheck(options.keys),
    addresses: createAddresses(options),
    pictures: createPictureDecoder(options.webp),
  };
  // What Hono asks of an app that stands alone only; under a path of another app that one's own count: getPath and notFound.
  const app = new Hono<AppEnv>({ getPath: (request) => tidyPath(getPath(request)) });

  app.use((c, next) => {
    c.set('pocketgen.base', mountOf(c));
    return next();
  });
  app.use(requestId({ limitLength: 64 }));
  app.use(async (c, next) => {
    const start = performance.now();
    const timing = createTiming();
    c.set('pocketgen.timing', timing);
    await next();
    const header = timing.header();
    if (header !== '') c.header('Server-Timing', header);
    const { error } = c;
    log?.({
      level: c.res.status >= 500 ? 'error' : 'info',
      requestId: c.get('requestId'),
      method: c.req.method,
      route: matchedRoutes(c).findLast(({ path }) => !path.includes('*'))?.path ?? 'none',
      model: c.get('pocketgen.model'),
      status: c.res.status,
      ms: Math.round((performance.now() - start) * 100) / 100,
      ...(error !== undefined && !(error instanceof Problem) ? { error: error.message } : {}),
    });
  });
  app.use(
    cors({
      origin: '*',
      allowMethods: ['GET', 'HEAD', 'POST'],
      exposeHeaders: [
        'Content-Location',
        'ETag',
        'RateLimit',
        'RateLimit-Policy',
        'Retry-After',
        'Server-Timing',
        'X-Request-Id',
      ],
      maxAge: 86400,
    }),
  );
  app.use(
    secureHeaders({
      crossOriginResourcePolicy: false, // pictures say cross-origin themselves
      strictTransportSecurity: false, // counts for a whole domain, which is more than an app mounted there may decide
      originAgentCluster: false,
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
    }),
  );
  app.use(async (c, next) => {
    await next();
    // Nothing of the API is a page but /docs, which sets its own policy; an SVG opened by itself may do nothing else.
    // The page's files (HTML, scripts) bring theirs in dist/web/_headers.
    if (!c.res.headers.has('Content-Security-Policy') && !c.get('pocketgen.page'))
      c.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  });
  app.use('/v1/*', async (c, next) => {
    if (rateLimit !== undefined) {
      const decision = await rateLimit.limiter.take(rateLimit.client(c));
      const headers = rateHeaders(rateLimit.limiter, decision);
      if (!decision.allowed)
        throw new Problem(429, `rate: expected fewer requests, try again in ${decision.reset} s`, [], headers);
      await next();
      for (const [name, value] of Object.entries(headers)) c.header(name, value);
    } else {
      await next();
    }
  });
  app.use('/v1/*', async (c, next) => {
    if (services.keys !== undefined && !(await services.keys(c.req.header('Authorization'))))
      throw new Problem(401, 'authorization: expected a bearer key, got none or a wrong one', [], {
        'WWW-Authenticate': 'Bearer',
      });
    await next();
  });
  const otherMethods = methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => {
      throw notAllowed(methods, c.req.method);
    },
  });
  for (const path of ['/v1/*', '/healthz', '/openapi.json', '/docs', '/models/*']) app.use(path, otherMethods);

  modelRoutes(app, services);
  trainingRoutes(app, services);
  imageRoutes(app, services);
  encodeRoutes(app, services);
  completeRoutes(app, services);
  latentRoutes(app, services);
  gridRoutes(app, services);
  walkRoutes(app, services);
  generationRoutes(app, services);
  documentRoutes(app, services, endpoints);
  if (options.files !== undefined) addModelFiles(app, options.files);
  if (options.publishing !== undefined) storeRoutes(app, options.publishing);

  const notFound = (c: Context<AppEnv>) => {
    const paths = endpoints.map(({ path }) => path).join(', ');
    const problem = new Problem(404, `path: expected one of ${paths}, /docs, /openapi.json`);
    return problemResponse(problem, pathOf(c), services.addresses.kept(c), c.get('requestId'));
  };
  app.all('/v1/*', notFound);
  app.notFound((c) => {
    if (c.req.path !== '/') return notFound(c);
    if (!['GET', 'HEAD'].includes(c.req.method)) throw notAllowed(['GET', 'HEAD'], c.req.method);
    return c.redirect(`${services.addresses.kept(c)}/docs`); // no page was built
  });
  app.onError((error, c) => {
    if (c.get('pocketgen.base') === undefined) throw error; // before anything of ours: a mistake of how it is mounted
    const path = pathOf(c);
    const problem =
      error instanceof Problem ? error : new Problem(500, 'internal error; the request id finds it in the log');
    const response = problemResponse(problem, path, services.addresses.kept(c), c.get('requestId'));
    if (problem.status === 401 && isOpenAiPath(path)) response.headers.set('X-Should-Retry', 'false');
    return response;
  });
  return app;
}
