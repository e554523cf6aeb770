// SPDX-License-Identifier: GPL-2.0

// server ROUNDS: an HTTP server, and clients that keep their connections and such that do not. Prints
// the same each time.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

func serve(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	time.Sleep(2 * time.Millisecond)
	fmt.Fprintf(w, "%s %d %x", r.URL.Path, len(text), sha256.Sum256(text))
}

func ask(client *http.Client, at string, number int) string {
	body := bytes.Repeat([]byte{byte(number)}, number*991%70000)
	answer, err := client.Post(fmt.Sprintf("http://%s/%d", at, number), "text/plain", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return fmt.Sprint(answer.StatusCode, string(text), err)
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(serve)}
	go server.Serve(listener)
	kept := &http.Client{}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for round := 0; round < rounds; round++ {
		said := make([]string, 12)
		var all sync.WaitGroup
		for i := range said {
			all.Add(1)
			go func() {
				defer all.Done()
				client := kept
				if i%3 == 0 {
					client = fresh
				}
				said[i] = ask(client, listener.Addr().String(), round*len(said)+i)
			}()
		}
		all.Wait()
		fmt.Printf("%d %x\n", round, sha256.Sum256([]byte(fmt.Sprint(said))))
		if round == 0 {
			fmt.Println(said[1])
		}
	}
	server.Close()
}
