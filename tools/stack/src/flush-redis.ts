import { connect } from "node:net";

/** FLUSHALL on the Redis of the URL: everything it knew is gone. Rejects when it is away. */
export function flushRedis(redisUrl: string): Promise<void> {
  const { port, password } = new URL(redisUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1");
    let answer = "";
    socket.on("error", reject);
    socket.on("data", (data) => {
      answer += String(data);
      // One line for AUTH, one for FLUSHALL.
      if (answer.split("\r\n").length <= 2) return;
      socket.destroy();
      if (answer === "+OK\r\n+OK\r\n") resolve();
      else reject(new Error(`Redis does not flush: ${answer.trim()}`));
    });
    socket.on("close", () => reject(new Error("Redis hung up")));
    socket.write(`AUTH ${decodeURIComponent(password)}\r\nFLUSHALL\r\n`);
  });
}
