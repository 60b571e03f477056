// The one Hono app behind both entries (edge/worker.ts in workerd, edge/node.ts): protection, routes, errors, log.
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { matchedRoutes } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import { getPath } from 'hono/utils/url';
import { type Endpoint, tidyPath } from './endpoint.ts';
import { isOpenAiPath, Problem, problemResponse } from './problem.ts';
import { rateHeaders } from './protect/rate-limit.ts';
import { documentRoutes } from './routes/documents.ts';
import { generationEndpoints, generationRoutes } from './routes/generations.ts';
import { gridEndpoints, gridRoutes } from './routes/grids.ts';
import { imageEndpoints, imageRoutes } from './routes/images.ts';
import { modelEndpoints, modelRoutes } from './routes/models.ts';
import { trainingEndpoints, trainingRoutes } from './routes/training.ts';
import { walkEndpoints, walkRoutes } from './routes/walks.ts';
import type { AppEnv, Services } from './services.ts';
import { createTiming } from './timing.ts';

export const endpoints: readonly Endpoint[] = [
  ...modelEndpoints,
  ...trainingEndpoints,
  ...imageEndpoints,
  ...gridEndpoints,
  ...walkEndpoints,
  ...generationEndpoints,
];

export function createApp(services: Services): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ getPath: (request) => tidyPath(getPath(request)) });

  if (services.during !== undefined) {
    const { during } = services;
    app.use((_c, next) => during(next));
  }
  app.use(requestId({ limitLength: 64 }));
  app.use(async (c, next) => {
    const start = performance.now();
    const timing = createTiming();
    c.set('timing', timing);
    await next();
    const header = timing.header();
    if (header !== '') c.header('Server-Timing', header);
    const { error } = c;
    services.log?.({
      level: c.res.status >= 500 ? 'error' : 'info',
      requestId: c.get('requestId'),
      method: c.req.method,
      route: matchedRoutes(c).findLast(({ path }) => !path.includes('*'))?.path ?? 'none',
      model: c.get('model'),
      status: c.res.status,
      ms: Math.round((performance.now() - start) * 100) / 100,
      ...(error !== undefined && !(error instanceof Problem) ? { error: error.message } : {}),
    });
  });
  app.use(
    cors({
      origin: '*',
      allowMethods: ['GET', 'HEAD', 'POST'],
      exposeHeaders: ['ETag', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'Server-Timing', 'X-Request-Id'],
      maxAge: 86400,
    }),
  );
  app.use(
    secureHeaders({
      crossOriginResourcePolicy: false, // pictures say cross-origin themselves
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
    if (!c.res.headers.has('Content-Security-Policy') && !c.get('page'))
      c.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  });
  app.use('/v1/*', async (c, next) => {
    if (services.limiter !== undefined) {
      const decision = await services.limiter.take(services.client(c));
      const headers = rateHeaders(services.limiter, decision);
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
      throw new Problem(405, `method: expected ${methods.join(' or ')}, got ${c.req.method}`, [], {
        Allow: methods.join(', '),
      });
    },
  });
  for (const path of ['/v1/*', '/healthz', '/openapi.json', '/docs']) app.use(path, otherMethods);

  modelRoutes(app, services);
  trainingRoutes(app, services);
  imageRoutes(app, services);
  gridRoutes(app, services);
  walkRoutes(app, services);
  generationRoutes(app, services);
  documentRoutes(app, services, endpoints);

  app.notFound((c) => {
    if (c.req.path === '/') return c.redirect('/docs'); // no page was built
    const paths = endpoints.map(({ path }) => path).join(', ');
    const problem = new Problem(404, `path: expected one of ${paths}, /docs, /openapi.json`);
    return problemResponse(problem, c.req.path, c.get('requestId'));
  });
  app.onError((error, c) => {
    const { path } = c.req;
    const problem =
      error instanceof Problem ? error : new Problem(500, 'internal error; the request id finds it in the log');
    const response = problemResponse(problem, path, c.get('requestId'));
    if (problem.status === 401 && isOpenAiPath(path)) response.headers.set('X-Should-Retry', 'false');
    return response;
  });
  return app;
}
