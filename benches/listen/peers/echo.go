// The echo server as one writes it in Go: a goroutine per connection, io.Copy.
package main

import (
	"io"
	"net"
	"os"
)

func main() {
	mode, addr := os.Args[1], "127.0.0.1:"+os.Args[2]
	if mode == "udp" {
		datagrams(addr)
		return
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		panic(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			continue
		}
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}

func datagrams(addr string) {
	socket, err := net.ListenPacket("udp", addr)
	if err != nil {
		panic(err)
	}
	buffer := make([]byte, 65536)
	for {
		n, peer, err := socket.ReadFrom(buffer)
		if err == nil {
			socket.WriteTo(buffer[:n], peer)
		}
	}
}
