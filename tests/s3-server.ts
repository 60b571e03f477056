// A bucket that speaks as much of the S3 API as publishing asks for, in memory: conditional PUT, GET, DELETE and lists in pages.
// It checks every signature, by AWS's description of Signature Version 4, and every body against the hash that was signed.
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const PAGE = 4;
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** What the Authorization header must say. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function authorization(request: IncomingMessage, accessKeyId: string, secret: string): string {
  const { headers, method = '', url = '' } = request;
  const [path = '', query = ''] = url.split('?');
  const [, signed = ''] = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ?? [];
  const lines = signed.split(';').map((name) => `${name}:${headers[name]}\n`);
  const sorted = query.split('&').filter(Boolean).sort().join('&');
  const canonical = [method, path, sorted, lines.join(''), signed, headers['x-amz-content-sha256']].join('\n');
  const date = String(headers['x-amz-date']);
  const scope = `${date.slice(0, 8)}/auto/s3/aws4_request`;
  const key = scope.split('/').reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secret}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
}

export interface S3Server {
  url: string;
  objects: Map<string, { bytes: Buffer; etag: string; modified: Date }>;
  /** Status of each answer, in order. */
  answers: number[];
  /** So many requests are answered 503 first. */
  busy: number;
  stop(): void;
}

export async function startS3(bucket: string, accessKeyId: string, secret: string): Promise<S3Server> {
  const s3: S3Server = { url: '', objects: new Map(), answers: [], busy: 0, stop: () => server.close() };
  const { objects } = s3;

  function answerOf(request: IncomingMessage, body: Buffer): { status: number; text?: string | Buffer; etag?: string } {
    const message = (status: number, text: string) => ({ status, text: `<Error><Message>${text}</Message></Error>` });
    if (s3.busy-- > 0) return message(503, 'Reduce your request rate.');
    if (request.headers.authorization !== authorization(request, accessKeyId, secret))
      return message(403, 'The request signature we calculated does not match the signature you provided.');
    if (request.headers['x-amz-content-sha256'] !== sha256(body)) return message(400, 'The body has another hash.');
    const url = new URL(request.url ?? '', 'http://localhost');
    const key = decodeURIComponent(url.pathname).slice(bucket.length + 2);
    if (key === '') {
      const after = url.searchParams.get('continuation-token') ?? '';
      const keys = [...objects.keys()].sort().filter((one) => one > after);
      const contents = keys.slice(0, PAGE).map((one) => {
        const at = objects.get(one)?.modified.toISOString();
        return `<Contents><Key>${one}</Key><LastModified>${at}</LastModified></Contents>`;
      });
      const token = `<NextContinuationToken>${keys[PAGE - 1]}</NextContinuationToken>`;
      return { status: 200, text: `<L>${contents.join('\n')}${keys.length > PAGE ? token : ''}</L>` };
    }
    const there = objects.get(key);
    const [match, none] = [request.headers['if-match'], request.headers['if-none-match']];
    switch (request.method) {
      case 'GET':
        if (there === undefined) return message(404, 'The specified key does not exist.');
        return none === there.etag ? { status: 304 } : { status: 200, text: there.bytes, etag: there.etag };
      case 'PUT': {
        if ((match !== undefined && match !== there?.etag) || (none === '*' && there !== undefined))
          return message(412, 'At least one of the pre-conditions you specified did not hold');
        const etag = `"${createHash('md5').update(body).digest('hex')}"`;
        objects.set(key, { bytes: body, etag, modified: new Date() });
        return { status: 200, etag };
      }
      default:
        objects.delete(key);
        return { status: 204 };
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { status, text, etag } = answerOf(request, Buffer.concat(chunks));
      s3.answers.push(status);
      response.writeHead(status, etag === undefined ? {} : { ETag: etag }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  s3.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return s3;
}
