// SPDX-License-Identifier: GPL-2.0

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Threads of all kinds that work together, timers, locks, garbage. Prints the same each time. */
public class Threads {
    private static long primes(int from, int to) {
        long sum = 0;
        next:
        for (int n = Math.max(from, 2); n < to; n++) {
            for (int d = 2; d * d <= n; d++) {
                if (n % d == 0) {
                    continue next;
                }
            }
            sum += n;
        }
        return sum;
    }

    public static void main(String[] args) throws Exception {
        int rounds = Integer.parseInt(args[0]);
        BlockingQueue<Integer> queue = new LinkedBlockingQueue<>(10);
        AtomicLong eaten = new AtomicLong(), ticks = new AtomicLong();
        Thread eater = new Thread(() -> {
            try {
                for (int n; (n = queue.take()) >= 0; ) {
                    eaten.addAndGet(n);
                }
            } catch (InterruptedException e) {
                eaten.set(-1);
            }
        });
        eater.start();
        try (var pool = Executors.newFixedThreadPool(4);
             var clock = Executors.newSingleThreadScheduledExecutor()) {
            clock.scheduleAtFixedRate(ticks::incrementAndGet, 1, 1, TimeUnit.MILLISECONDS);
            for (int round = 0; round < rounds; round++) {
                List<Future<Long>> parts = new ArrayList<>();
                for (int part = 0; part < 8; part++) {
                    int from = (round * 8 + part) * 1000;
                    parts.add(pool.submit(() -> primes(from, from + 1000)));
                    queue.put(from);
                }
                long sum = 0;
                for (Future<Long> part : parts) {
                    sum += part.get();
                }
                List<byte[]> garbage = new ArrayList<>();
                for (int i = 0; i < 200; i++) {
                    garbage.add(new byte[4096]);
                }
                System.out.println("round " + round + " " + sum + " " + garbage.size());
                Thread.sleep(5);
            }
            clock.shutdownNow();
        }
        queue.put(-1);
        eater.join();
        System.out.println("eaten " + eaten + " " + (ticks.get() > 0));
    }
}
