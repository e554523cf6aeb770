// SPDX-License-Identifier: GPL-2.0

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Server ROUNDS: an HTTP server with threads, and clients. Prints the same each time. */
public class Server {
	/** As a browser of 1996 does it: a connection for each request. */
	static String ask(int port, int number) throws IOException {
		byte[] body = new byte[number * 983 % 50000];
		Arrays.fill(body, (byte) number);
		try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
			String head = "POST /" + number + " HTTP/1.0\r\nContent-Length: " + body.length + "\r\n\r\n";
			socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
			socket.getOutputStream().write(body);
			String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
			return answer.substring(answer.indexOf("\r\n\r\n") + 4);
		}
	}

	public static void main(String[] args) throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
		ExecutorService workers = Executors.newFixedThreadPool(4);
		server.setExecutor(workers);
		server.createContext("/", exchange -> {
			byte[] body = exchange.getRequestBody().readAllBytes();
			byte[] answer = (exchange.getRequestURI() + " " + Arrays.hashCode(body)).getBytes(StandardCharsets.US_ASCII);
			exchange.sendResponseHeaders(200, answer.length);
			exchange.getResponseBody().write(answer);
			exchange.close();
		});
		server.start();
		ExecutorService clients = Executors.newFixedThreadPool(6);
		for (int round = 0; round < Integer.parseInt(args[0]); round++) {
			List<Future<String>> asked = new ArrayList<>();
			for (int i = 0; i < 12; i++) {
				int number = round * 12 + i;
				asked.add(clients.submit(() -> ask(server.getAddress().getPort(), number)));
			}
			List<String> said = new ArrayList<>();
			for (Future<String> one : asked)
				said.add(one.get());
			System.out.println(round + " " + said.hashCode() + " " + said.get(1));
		}
		server.stop(0);
		clients.shutdown();
		workers.shutdown();
	}
}
