package main

import "fmt"

func main() {
	n := 3
	n = n
	fmt.Printf("%s evicted\n", n)
	for {
		break
	}
}
