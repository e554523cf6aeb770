// SPDX-License-Identifier: GPL-2.0

// Goroutines that pass numbers on through channels, busy ones that have to be
// preempted by signals, timers, and a collector of garbage at work. Prints the
// same each time.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

const stages = 50

// Adds one to all that passes by.
func stage(in <-chan int, out chan<- int) {
	for n := range in {
		out <- n + 1
	}
	close(out)
}

// Never calls anything: it is only interrupted by a signal.
func busy(n int) uint64 {
	x := uint64(n)
	for i := 0; i < 30_000_000; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func pipeline(count int) (sum int) {
	first := make(chan int)
	last := first
	for i := 0; i < stages; i++ {
		next := make(chan int)
		go stage(last, next)
		last = next
	}
	go func() {
		for i := 0; i < count; i++ {
			first <- i
		}
		close(first)
	}()
	for n := range last {
		sum += n
	}
	return sum
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	var wait sync.WaitGroup
	results := make([]uint64, 4)
	for i := range results {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for round := 0; round < rounds; round++ {
				results[i] += busy(i + round + 1)
			}
		}()
	}
	ticks := 0
	for round := 0; round < rounds; round++ {
		garbage := make([][]byte, 0)
		for i := 0; i < 1000; i++ {
			garbage = append(garbage, make([]byte, 4096))
		}
		timer := time.NewTimer(5 * time.Millisecond)
		<-timer.C
		ticks += len(garbage)
		fmt.Println("pipeline", round, pipeline(200), ticks)
	}
	wait.Wait()
	fmt.Println("busy", results)
}
