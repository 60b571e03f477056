// A list of people that grows: all pictures share one model, one runtime and one worker.
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Avatar } from './avatar.tsx';

function People() {
  const [people, setPeople] = useState(['ada', 'grace', 'hedy']);
  return (
    <main>
      {people.map((person) => (
        <Avatar key={person} name={person} email={`${person}@example.com`} />
      ))}
      <button type="button" onClick={() => setPeople([...people, `guest ${people.length}`])}>
        One more
      </button>
    </main>
  );
}

const root = document.getElementById('root');
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <People />
    </StrictMode>,
  );
