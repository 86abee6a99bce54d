// Reads QR codes of RGBA pictures that stand one after the other on standard
// input: read.js WIDTH HEIGHT [WIDTH HEIGHT ...].  Prints a JSON array, null
// where there is no code.
"use strict";

const fs = require("fs");
const jsQR = require("jsqr");

const sizes = process.argv.slice(2).map(Number);
const pixels = fs.readFileSync(0);
const found = [];
let at = 0;

for (let i = 0; i < sizes.length; i += 2) {
	const [width, height] = sizes.slice(i, i + 2);
	const picture = new Uint8ClampedArray(
	    pixels.buffer, pixels.byteOffset + at, width * height * 4);
	const code = jsQR(picture, width, height,
	    { inversionAttempts: "dontInvert" });

	at += picture.length;
	found.push(code ? code.data : null);
}
if (at !== pixels.length)
	throw new Error("the pictures are of another size");
process.stdout.write(JSON.stringify(found));
