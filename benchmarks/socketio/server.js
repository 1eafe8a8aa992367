// Socket.IO as a task-status server: node server.js PORT REDIS_URL
// A client joins the room of its task and is told so. What is published to the Redis channel
// task:<id> goes to that room: parsed once, encoded once for all of its clients.
import { createServer } from "node:http";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, url] = process.argv.slice(2);
const http = createServer();
const io = new Server(http, { transports: ["websocket"] });

io.on("connection", (socket) => {
  const { task } = socket.handshake.query;
  socket.join(task);
  socket.emit("status", { task_id: task });
});

const redis = createClient({ url });
await redis.connect();
await redis.pSubscribe("task:*", (message, channel) => {
  io.to(channel.slice("task:".length)).emit("status", JSON.parse(message));
});
http.listen(Number(port), "127.0.0.1");
