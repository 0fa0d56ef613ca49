import { createRoot } from 'react-dom/client';

import { Dashboard } from './dashboard.tsx';
import './styles/base.css';
import './styles/parts.css';
import './styles/logs.css';

const root = document.getElementById('root');
if (root) createRoot(root).render(<Dashboard />);
