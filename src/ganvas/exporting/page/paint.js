/* From raw numbers to what one sees, as ganvas shows it. */

const BORDER = 1, FRAME = 96, SHOWN = 32, CHECKS = [190, 230];
const space = about.space;

/** Picture number i of many, as the eye sees it: transparency over a board, 16 bits by their upper 8. */
function seen(data, i, open = false) {
  const { height, width, channels, bits, mode } = space, picture = new ImageData(width, height);
  const clear = mode === "LA" || mode === "RGBA", colours = clear ? channels - 1 : channels;
  const cell = Math.max(2, Math.floor(Math.min(height, width) / 8)), start = i * height * width * channels;
  for (let p = 0; p < height * width; p++) {
    const here = start + p * channels, alpha = clear ? data[here + channels - 1] / 255 : 1;
    const dark = (Math.floor(Math.floor(p / width) / cell) + Math.floor((p % width) / cell)) % 2;
    for (let c = 0; c < 3; c++) {
      const value = data[here + (colours >= 3 ? c : 0)], plain = bits === 8 ? value : value >> 8;
      picture.data[4 * p + c] = open || !clear ? plain : Math.round(plain * alpha + CHECKS[dark ? 0 : 1] * (1 - alpha));
    }
    picture.data[4 * p + 3] = open ? Math.round(255 * alpha) : 255;
  }
  return picture;
}

/** A canvas with a picture in it. */
function painted(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}

/** All pictures on one sheet, small ones enlarged by a whole factor. */
function sheet(data, n, across) {
  const factor = Math.max(1, Math.round(SHOWN / Math.min(space.height, space.width)));
  const [h, w] = [space.height * factor, space.width * factor];
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = across * (w + BORDER) + BORDER;
  canvas.height = Math.ceil(n / across) * (h + BORDER) + BORDER;
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = `rgb(${FRAME} ${FRAME} ${FRAME})`;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < n; i++) {
    const [x, y] = [(i % across) * (w + BORDER) + BORDER, Math.floor(i / across) * (h + BORDER) + BORDER];
    pen.drawImage(painted(document.createElement("canvas"), seen(data, i)), x, y, w, h);
  }
  return canvas;
}

/** Points over the centres they belong to, which are circles of 3 sigma. */
function scatter(canvas, data, n) {
  const side = 1024, colour = (name) => getComputedStyle(document.body).getPropertyValue(name);
  const pen = canvas.getContext("2d"), place = (v, sign) => (1 + (sign * v) / space.reach) * side / 2;
  canvas.width = canvas.height = side;
  const circle = (x, y, radius) => {
    pen.beginPath();
    pen.arc(place(x, 1), place(y, -1), radius, 0, 2 * Math.PI);
  };
  pen.strokeStyle = colour("--muted");
  for (const [x, y] of space.centres) {
    circle(x, y, (3 * space.sigma / space.reach) * side / 2);
    pen.stroke();
  }
  pen.fillStyle = colour("--one");
  for (let i = 0; i < n; i++) {
    circle(data[i * space.size] * space.scale, data[i * space.size + 1] * space.scale, 4);
    pen.fill();
  }
}

/** Hand a canvas to the reader as a file. */
function handed(canvas, name) {
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}
