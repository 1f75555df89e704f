// Answers with the path as Node and the URL of browsers have read it.
import { createServer } from "node:http";

const server = createServer(async (request, response) => {
  const path = decodeURIComponent(new URL(request.url, "http://engine").pathname);
  console.log(`${request.headers["voxgate-request-id"] ?? "-"} ${request.method} ${path}`);
  for await (const _ of request);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ resource: path }));
});
server.on("clientError", (_error, socket) => socket.destroy());
process.on("uncaughtException", () => {});
server.listen(Number(process.argv[2]), "127.0.0.1");
