// The words of "how it works", English and Chinese side by side: they are loaded with it.
import { wordsOf } from '../texts.ts';

export const words = wordsOf({
  'gan-1': [
    'A generative adversarial network is two networks that learn against each other.',
    '生成对抗网络由两个相互对抗、共同学习的网络组成。',
  ],
  'gan-2': [
    'One, the generator, turns a list of {latent} random numbers into a picture.',
    '其一是生成器,把 {latent} 个随机数变成一张图片。',
  ],
  'gan-3': [
    'The other, the critic, looks at real and made pictures and learns to tell them apart.',
    '其二是判别器,观看真实与生成的图片,学习分辨真假。',
  ],
  'gan-4': [
    'Every time the critic finds a difference, the generator learns to remove it, until little difference is left.',
    '判别器每发现一处差别,生成器就学会消除它,直到差别所剩无几。',
  ],
  'gan-5': [
    'Only the generator is on this page: your seed picks the random numbers, and your own device does the rest.',
    '本页只有生成器:你的种子决定随机数,其余由你自己的设备完成。',
  ],
  'vae-1': [
    'An autoencoder is two networks that learn together to bring a picture through a narrow place.',
    '自编码器由两个一起学习的网络组成:让图片穿过一处狭窄的通道。',
  ],
  'vae-2': [
    'One, the encoder, writes a picture down as a list of {latent} numbers.',
    '其一是编码器,把图片写成 {latent} 个数。',
  ],
  'vae-3': [
    'The other, the decoder, draws it again from that list; a critic shows it where the two can still be told apart.',
    '其二是解码器,凭这些数重新画出图片;判别器指出两者还有哪里不同。',
  ],
  'vae-4': [
    'A small third network learns which lists belong to pictures, and takes random numbers to one of them.',
    '第三个小网络学习哪些数对应图片,并把随机数变成其中之一。',
  ],
  'vae-5': [
    'Your seed picks the random numbers, or your own picture the list, and your own device does the rest.',
    '你的种子决定随机数,或由你的图片决定这些数;其余由你自己的设备完成。',
  ],
  'transformer-1': [
    'A Transformer draws a picture as {latent} tokens, each one of a thousand.',
    'Transformer 把图片画成 {latent} 个记号,每个是一千种之一。',
  ],
  'transformer-2': [
    'It has learnt which tokens go together, and chooses them in a few steps: first those that decide most.',
    '它学会了哪些记号相配,分几步选定:先选最关键的。',
  ],
  'transformer-3': ['Another network paints the picture that the tokens stand for.', '另一个网络把这些记号画成图片。'],
  'transformer-4': [
    'Your seed chooses among the likely tokens, and your own device does the rest.',
    '你的种子在可能的记号中选择;其余由你自己的设备完成。',
  ],
  'other-1': [
    'The network turns a list of {latent} random numbers into a picture.',
    '网络把 {latent} 个随机数变成一张图片。',
  ],
  'other-2': [
    'Your seed picks the random numbers, and your own device does the rest.',
    '你的种子决定随机数,其余由你自己的设备完成。',
  ],
  howTitle: ['How it works', '工作原理'],
  network: ['The network', '网络结构'],
  networkHelp: [
    'Drawn from the model file on this device: {nodes} steps, {params} learned numbers.',
    '由此设备上的模型文件绘制:{nodes} 步,{params} 个学到的数。',
  ],
  'op-Gemm': ['every number meets every number', '每个数与每个数相连'],
  'op-MatMul': ['every number meets every number', '每个数与每个数相连'],
  'op-Conv': ['looks at each spot and its neighbours', '观察每一处及其邻域'],
  'op-ConvTranspose': ['paints each spot into a larger picture', '把每一处画进更大的图'],
  'op-Resize': ['enlarges', '放大'],
  'op-Upsample': ['enlarges', '放大'],
  'op-DepthToSpace': ['turns layers into finer pixels', '把通道变成更细的像素'],
  'op-Concat': ['puts numbers side by side', '把数并排拼接'],
  'op-Add': ['adds back what was skipped', '加回跳过的部分'],
  steps: ['The {n} largest steps, one by one', '逐一查看 {n} 个主要步骤'],
  shapeVector: ['{n} numbers', '{n} 个数'],
  shapeMap: ['{c} × {h} × {w}', '{c} × {h} × {w}'],
  learned: ['{n} learned', '{n} 个参数'],
  measuredOn: ['Measured afterwards on {n} pictures:', '训练后在 {n} 张图片上测得:'],
  madeAndHeld: ['{made} (real pictures: {held})', '{made}(真实图片:{held})'],
  snapshotAt: ['after {images}', '{images} 张之后'],
  snapshotAlt: ['Pictures of the same seeds at that time', '当时相同种子生成的图片'],
  trainedOn: ['Trained on {data}: {images} pictures seen.', '训练数据 {data}:共看过 {images} 张图片。'],
  noCurve: ['This bundle has no training record.', '此模型包没有训练记录。'],
  license: ['Licence: {license}', '许可:{license}'],
});
