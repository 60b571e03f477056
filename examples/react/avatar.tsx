// A person's picture, made of their address: React hands props on as properties and `on…` as listeners.
import '@pocketgen/client/element';
import type {} from '@pocketgen/client/element/react';
import { useState } from 'react';

export interface AvatarProps {
  name: string;
  email: string;
  size?: number;
}

export function Avatar({ name, email, size = 64 }: AvatarProps) {
  const [problem, setProblem] = useState<string>();
  return (
    <pocket-picture
      src="/models/fashion-gan/"
      seed={email}
      alt={name}
      loading="lazy"
      title={problem}
      style={{ width: size, borderRadius: '50%' }}
      onload={() => setProblem(undefined)}
      onerror={({ message }) => setProblem(message)}
    >
      {name.slice(0, 1)}
    </pocket-picture>
  );
}
