// Which class a prompt names: plurals, other scripts, emoji, slips; and that nothing is named by nothing.
import { describe, expect, test } from 'vitest';
import { labelInPrompt } from '../../edge/prompt.ts';

const FASHION = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];
const GROUPS = ['animals-nature', 'food-drink', 'people-body', 'smileys-emotion', 'spell-icon', 'weapon_icon'];
const ENGLISH = ['horse', 'shoe', 'daisy', 'boot', 'mouse', 'glass', 'glasses', 'wolf', 'child', 'white cat'];
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

const named = (labels: readonly string[], prompt: string) => labels[labelInPrompt(labels, prompt) ?? -1];

describe('a prompt', () => {
  test.each([
    [FASHION, 'coat', 'Coat'],
    [FASHION, 'Ankle Boot', 'Ankle boot'],
    [FASHION, 'a photo of two ankle boots on snow', 'Ankle boot'],
    [FASHION, 'boots', 'Ankle boot'],
    [FASHION, 'an anklebot', 'Ankle boot'],
    [FASHION, 'T-shirt/top', 'T-shirt/top'],
    [FASHION, 'a t-shirt', 'T-shirt/top'],
    [FASHION, 'two tshirts', 'T-shirt/top'],
    [FASHION, 'top', 'T-shirt/top'],
    [FASHION, 'a shirt', 'Shirt'],
    [FASHION, 'a dress shirt', 'Shirt'],
    [FASHION, 'a coat, and a bag', 'Coat'],
    [FASHION, 'trousers', 'Trouser'],
    [FASHION, 'dresses', 'Dress'],
    [FASHION, 'dress', 'Dress'],
    [FASHION, 'sneekers', 'Sneaker'],
    [FASHION, 'red sneekers on snow', 'Sneaker'],
    [FASHION, 'pulover', 'Pullover'],
    [FASHION, 'cat', undefined],
    [FASHION, 'a spaceship', undefined],
    [FASHION, 'hat', undefined],
    [FASHION, 'goat', undefined],
    [ENGLISH, 'two horses', 'horse'],
    [ENGLISH, 'a house', undefined],
    [ENGLISH, 'the horse’s head', 'horse'],
    [ENGLISH, 'shoes', 'shoe'],
    [ENGLISH, 'a bunch of daisies', 'daisy'],
    [ENGLISH, 'boots', 'boot'],
    [ENGLISH, 'mice', 'mouse'],
    [ENGLISH, 'wolves', 'wolf'],
    [ENGLISH, 'children', 'child'],
    [ENGLISH, 'a pair of glasses', 'glasses'],
    [ENGLISH, 'a glass of water', 'glass'],
    [ENGLISH, 'a cat', 'white cat'],
    [ENGLISH, 'a cat that is white', 'white cat'],
    [ENGLISH, 'a white house', undefined],
    [GROUPS, 'a smiley', 'smileys-emotion'],
    [GROUPS, 'a happy smiley on a wall', 'smileys-emotion'],
    [GROUPS, 'a smiley face', 'smileys-emotion'],
    [GROUPS, 'spell icon', 'spell-icon'],
    [GROUPS, 'a spell book', undefined],
    [GROUPS, 'a weapon', 'weapon_icon'],
    [GROUPS, 'weapon icons', 'weapon_icon'],
    [GROUPS, 'an icon', undefined],
    [GROUPS, 'food', 'food-drink'],
    [LETTERS, 'the letter B', 'B'],
    [LETTERS, 'a', 'A'],
    [LETTERS, 'the letter A', 'A'],
    [LETTERS, 'a dog', undefined],
    [['AnkleBoot', 'boot'], 'an ankle boot', 'AnkleBoot'],
    [['cat', 'Cat'], 'Cat', 'Cat'],
    [['0', '1', '7'], 'the digit 7', '7'],
    [['0', '1', '7'], '7️⃣', '7'],
    [['0', '1', '7'], '17', undefined],
  ])('of labels %j: %j names %j', (labels, prompt, label) => {
    expect(named(labels, prompt)).toBe(label);
  });

  test.each([
    [['猫', '狗', '马'], '一只猫', '猫'],
    [['猫', '狗', '马'], '两只小狗在草地上', '狗'],
    [['猫', '狗', '马'], '一匹白马', '马'],
    [['猫', '狗', '马'], '一只可爱的猫咪', '猫'],
    [['猫', '狗', '马'], '一只熊猫', undefined],
    [['猫', '狗', '马'], '猫头鹰', undefined],
    [['鞋', '帽子'], '一双鞋子', '鞋'],
    [['鞋', '运动鞋'], '一双运动鞋', '运动鞋'],
    [['猫', '犬'], '猫が座っている', '猫'],
    [['猫', '犬'], 'かわいい犬の写真', '犬'],
    [['ゴールデンレトリバー', '柴犬'], 'ゴールデンレトリーバー', 'ゴールデンレトリバー'],
    [['고양이', '강아지'], '고양이를 그려줘', '고양이'],
    [['แมว', 'หมา'], 'แมวหนึ่งตัว', 'แมว'],
    [['बिल्ली', 'कुत्ता'], 'एक कुत्ता', 'कुत्ता'],
    // All the consonants of बिल्ली, none of its words.
    [['बिल्ली'], 'बल ल लाल', undefined],
    [['кошка', 'собака'], 'большая собака', 'собака'],
    [['Café', 'Bar'], 'a cafe', 'Café'],
    [['Pferd', 'Hund'], 'zwei Pferde', 'Pferd'],
  ])('of labels %j: %j names %j', (labels, prompt, label) => {
    expect(named(labels, prompt)).toBe(label);
  });

  test.each([
    [['🐱', '🐶'], '🐶', '🐶'],
    [['🐱', '🐶'], 'draw a 🐶 please', '🐶'],
    [['🐱', '🐶'], '🐭', undefined],
    [['🐱', '🐶'], 'a dog', undefined],
    [['❤', '👋'], '❤️', '❤'],
    [['❤', '👋'], '👋🏽', '👋'],
    [['👋', '👋🏽'], 'a 👋🏽', '👋🏽'],
    [['👨‍👩‍👦', '👨‍👩‍👧'], 'a family 👨‍👩‍👧', '👨‍👩‍👧'],
    [['👨‍👩‍👦'], '👨‍👩‍👧', undefined],
    [['🇩🇪', '🇫🇷'], '🇫🇷', '🇫🇷'],
    [['?', '!'], '!', '!'],
    [['?', '!'], 'really?!', undefined],
    [['!!!', 'cat'], '???', undefined],
    [FASHION, '!!!', undefined],
    [FASHION, '🐶', undefined],
    [FASHION, ' ', undefined],
    [['🐱', '---'], '...', undefined],
  ])('of labels %j: %j names %j', (labels, prompt, label) => {
    expect(named(labels, prompt)).toBe(label);
  });

  test('of a thousand characters among a thousand labels is read in milliseconds', () => {
    const labels = Array.from({ length: 1000 }, (_, i) => `label number ${i}`);
    const prompt = 'lebal nambur '.repeat(77);
    labelInPrompt(labels, prompt);
    const start = performance.now();
    expect(labelInPrompt(labels, prompt)).toBe(undefined);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
