// SPDX-License-Identifier: GPL-2.0
// server.js ROUNDS: an HTTP server, clients that keep their connections and such that do not, timers,
// threads, children with which it talks, and files. Prints the same each time.
'use strict';

const { execFile, fork } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs/promises');
const http = require('node:http');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');

const digest = (text) => crypto.createHash('sha256').update(text).digest('hex').slice(0, 12);

// Asks someone who answers by messages.
const ask = (whom, what) => new Promise((resolve) => {
	whom.once('message', resolve);
	(whom.send ?? whom.postMessage).call(whom, what);
});

function request(port, agent, number) {
	return new Promise((resolve, reject) => {
		const body = 'x'.repeat(number * 997 % 60000);
		const call = http.request({ port, agent, host: '127.0.0.1', method: 'POST', path: `/${number}` }, (answer) => {
			let text = '';
			answer.on('data', (piece) => { text += piece; });
			answer.on('end', () => resolve(`${answer.statusCode} ${text}`));
		});
		call.on('error', reject);
		call.end(body);
	});
}

async function main(rounds) {
	let served = 0;
	const server = http.createServer((question, answer) => {
		let text = '';
		question.on('data', (piece) => { text += piece; });
		question.on('end', () => setTimeout(() => {
			served += 1;
			answer.end(`${question.url} ${digest(text)}`);
		}, 3));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	const agents = [new http.Agent({ keepAlive: true, maxSockets: 3 }), new http.Agent()];
	const worker = new Worker(__filename);
	const child = fork(__filename, ['child']);

	for (let round = 0; round < rounds; round++) {
		const numbers = Array.from({ length: 12 }, (_, i) => round * 12 + i);
		const answers = await Promise.all([
			...numbers.map((number) => request(port, agents[number % 2], number)),
			ask(worker, round),
			ask(child, round),
			new Promise((resolve) => execFile('expr', [round, '+', 1], (_, text) => resolve(text.trim()))),
			fs.readFile(__filename).then((text) => text.length > 100),
		]);
		console.log(round, digest(answers.join('\n')), ...answers.slice(-4));
	}
	child.disconnect();
	await worker.terminate();
	agents[0].destroy();
	server.close();
	console.log('served', served);
}

if (!isMainThread) {
	parentPort.on('message', (round) => parentPort.postMessage(digest(`thread ${round}`)));
} else if (process.argv[2] === 'child') {
	process.on('message', (round) => process.send(digest(`child ${round}`)));
} else {
	main(Number(process.argv[2]));
}
