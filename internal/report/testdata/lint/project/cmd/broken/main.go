package main

import "os"

func main() {
	var unused int
	undefinedCall()
	return 1
}
