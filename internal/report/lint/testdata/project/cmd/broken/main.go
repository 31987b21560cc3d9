package main

func main() {
	var unused int
	undefinedCall()
	return 1
}
