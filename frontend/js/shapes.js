// @ts-check
/**
 * The shapes that the page exchanges with the API, as JSDoc types. Nothing here runs, and no module loads
 * this file in the browser: it is named in type comments only.
 *
 * What stands in PascalCase is Amazon Rekognition's own JSON. Boxes are ratios (0..1) of the upright
 * picture and may reach beyond it; confidences and `PixelPercent` are percent (0..100).
 *
 * @typedef {object} UploadRequest body of `POST /uploads`
 * @property {string} contentType
 * @property {number} contentLength bytes
 * @property {string} [filename]
 * @property {string} [sha256] 64 lower-case hex digits
 * @property {string[]} [analyses]
 *
 * @typedef {object} UploadTicket answer to `POST /uploads`: an address that takes this one file once
 * @property {string} imageId
 * @property {string} key
 * @property {string} method
 * @property {string} uploadUrl
 * @property {Record<string, string>} headers exactly what must be sent with the upload
 * @property {string} expiresAt RFC 3339
 * @property {string} resultKey
 * @property {string} resultUrl
 * @property {string} statusUrl
 *
 * @typedef {object} Problem RFC 9457 `application/problem+json`
 * @property {string} [type]
 * @property {string} [title]
 * @property {number} [status]
 * @property {string} [detail]
 * @property {string} [code]
 *
 * @typedef {object} BoundingBox
 * @property {number} [Left]
 * @property {number} [Top]
 * @property {number} [Width]
 * @property {number} [Height]
 *
 * @typedef {object} DominantColor
 * @property {string} [HexCode]
 * @property {string} [CSSColor]
 * @property {string} [SimplifiedColor]
 * @property {number} [PixelPercent]
 *
 * @typedef {object} Instance
 * @property {BoundingBox} [BoundingBox]
 * @property {number} [Confidence]
 * @property {DominantColor[]} [DominantColors]
 *
 * @typedef {object} Label
 * @property {string} [Name]
 * @property {number} [Confidence]
 * @property {Instance[]} [Instances]
 * @property {{Name?: string}[]} [Parents]
 * @property {{Name?: string}[]} [Aliases]
 * @property {{Name?: string}[]} [Categories]
 *
 * @typedef {object} ImageQuality each 0..100
 * @property {number} [Brightness]
 * @property {number} [Sharpness]
 * @property {number} [Contrast]
 *
 * @typedef {object} ImageRegion
 * @property {ImageQuality} [Quality]
 * @property {DominantColor[]} [DominantColors]
 *
 * @typedef {object} DetectLabelsAnswer
 * @property {Label[]} [Labels]
 * @property {string} [LabelModelVersion]
 * @property {ImageRegion & {Foreground?: ImageRegion, Background?: ImageRegion}} [ImageProperties]
 *
 * @typedef {object} AnalysisError
 * @property {string} [analysis]
 * @property {string} code
 * @property {string} message
 * @property {boolean} [retryable]
 *
 * @typedef {object} ResultDocument `results/<source key>.json`
 * @property {number} schemaVersion
 * @property {string} imageId
 * @property {'succeeded' | 'partial' | 'failed'} status
 * @property {{bucket?: string, key?: string, size?: number, contentType?: string, filename?: string}} [source]
 * @property {{format?: string, width?: number, height?: number, orientation?: number} | null} [image]
 * @property {{detectLabels?: DetectLabelsAnswer}} [rekognition]
 * @property {AnalysisError[]} [errors]
 * @property {string} [processedAt] RFC 3339
 * @property {string} [processorVersion]
 */

export {};
