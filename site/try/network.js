// The course's network and three of its methods in TensorFlow.js. Read them beside
// course_utils/efficientnet_lite0.py and course_utils/attribution.py: the letters are the same.
// x is a prepared picture (1, 224, 224, 3), A the last feature maps (1, 7, 7, 1280), S the scores
// of the classes (1, 1000), and c the number of one class.

// One row per stage: [repeats, kernel size, stride of the first block, expansion, channels].
// A kernel's size and channels are those of its weights.
const STAGES = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
];

// Return the network in two halves, A = maps(x) and S = scores(A). W has its weights by name.
function build(W) {
  const conv = (name, x, stride = 1) =>
    tf.conv2d(x, W[`${name}/kernel`], stride, "same").add(W[`${name}/bias`]);
  const depthwise = (name, x, stride) =>
    tf.depthwiseConv2d(x, W[`${name}/kernel`], stride, "same").add(W[`${name}/bias`]);

  function maps(x) {
    x = conv("stem_conv", x, 2).relu6();
    let block = 0;
    for (const [repeats, , firstStride, expansion] of STAGES) {
      for (let i = 0; i < repeats; i++) {
        block += 1;
        const [name, blockInput] = [`block${block}`, x];
        if (expansion !== 1) x = conv(`${name}_expand`, x).relu6();
        x = depthwise(`${name}_depthwise`, x, i === 0 ? firstStride : 1).relu6();
        x = conv(`${name}_project`, x);
        if (tf.util.arraysEqual(blockInput.shape, x.shape)) x = blockInput.add(x);
      }
    }
    return conv("head_conv", x).relu6();
  }

  const scores = (A) => A.mean([1, 2]).matMul(W["logits/kernel"]).add(W["logits/bias"]);

  return { maps, scores };
}

// Return the weights by name, from [{name, shape, float16: ArrayBuffer}]. A float16 is built like a
// float32, with fewer bits, and an exponent that counts from elsewhere: hence 2^112.
function readWeights(stored) {
  const W = {};
  for (const { name, shape, float16 } of stored) {
    const bits = new Uint32Array(new Uint16Array(float16));
    const moved = bits.map((h) => ((h & 0x8000) << 16) | ((h & 0x7fff) << 13));
    W[name] = tf.tensor(new Float32Array(moved.buffer).map((value) => value * 2 ** 112), shape);
  }
  return W;
}

// Turn a picture into the network's input: values from 0 to 255, of which middle grey becomes 0.
function prepare(picture) {
  return tf.tidy(() => tf.tensor(picture, [1, 224, 224, 3]).sub(127).div(128));
}

// The score of one class.
const ofClass = (S, c) => S.slice([0, c], [1, 1]);

//     w = d S_c / d x
// S_c is a function of x, as it is in the formula.
const vanillaGradients = (S_c, x) => tf.grad(S_c)(x);

//     alpha_k^c = (1/Z) sum_ij  d S_c / d A^k_ij
//     L^c = ReLU( sum_k alpha_k^c A^k )
// It starts from A, so only the network's last layers are differentiated.
function gradCam(network, A, c) {
  const S_c = (A) => ofClass(network.scores(A), c);
  const dS_dA = tf.grad(S_c)(A);
  const alpha = dS_dA.mean([1, 2], true);
  return A.mul(alpha).sum(3).relu();
}

//     M(x) = (1/n) sum_{k=1..n} M_c( x + N(0, sigma^2) )
//     sigma = noise * (max x - min x)
// with M_c = vanilla gradients. It yields the average of the first k samples, for k = 1 to n.
function* smoothgrad(S_c, x, n, noise, seed) {
  const sigma = tf.tidy(() => noise * x.max().sub(x.min()).dataSync()[0]);
  const average = averageOf(x.size);
  for (let k = 1; k <= n; k++) {
    const M_c = tf.tidy(() => {
      const noisy = x.add(normal(seed, k, x.shape).mul(sigma));
      return vanillaGradients(S_c, noisy).dataSync();
    });
    yield average(M_c);
  }
}

// Return a function that takes one map after the other, and returns the average of all so far and
// how far it may be off: the standard error of the average at each value, averaged over all values.
// After one map, nobody knows that. (float64, by Welford)
function averageOf(size) {
  const [M, squares] = [new Float64Array(size), new Float64Array(size)];
  let n = 0;
  return (map) => {
    n += 1;
    let errors = 0;
    for (let i = 0; i < size; i++) {
      const difference = map[i] - M[i];
      M[i] += difference / n;
      squares[i] += difference * (map[i] - M[i]); // the sum of (a map - the average)^2
      errors += Math.sqrt(squares[i] / (n - 1) / n);
    }
    return { n, M, standardError: n > 1 ? errors / size : null };
  };
}

// Return standard normal noise: a seed's sample k is always the same. (TensorFlow.js takes any text
// as a seed; it would take the number 0 for none.)
function normal(seed, k, shape) {
  return tf.randomNormal(shape, 0, 1, "float32", `seed ${seed}, sample ${k}`);
}
