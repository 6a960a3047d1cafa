// The same with Go's net/http.
package main

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
)

func main() {
	left := int64(-1)
	if len(os.Args) > 1 {
		left, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	page := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.Write(body)
			if atomic.AddInt64(&left, -1) == 0 {
				w.(http.Flusher).Flush()
				os.Exit(0)
			}
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/hello", page([]byte("hello, world")))
	mux.Handle("/file", page(bytes.Repeat([]byte("x"), 10*1024)))
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("LISTEN %s\n", listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}
